/** A training loop of one's own, saved and loaded. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { backward, crossEntropy, flatten, scope, Tensor } from '../../src/autograd/index.ts';
import { BatchNorm2d, Conv2d, Linear, Module, pipe, ReLU } from '../../src/nn/index.ts';
import { SGD, StepLR } from '../../src/optim/index.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { loadTraining, saveTraining } from '../../src/train/index.ts';
import { readCheckpoint, writeSafetensors } from '../../src/weights/index.ts';
import { withGpu } from '../support/gpu.ts';
import { temporaryFolder } from './support.ts';

const { gpuTest, gpu } = await withGpu();
const root = temporaryFolder();

class Net extends Module {
  readonly conv: Conv2d;
  readonly norm: BatchNorm2d;
  readonly head: Linear;

  constructor(random: Generator) {
    super();
    this.conv = this.registerModule('conv', new Conv2d(gpu, 3, 4, { kernelSize: 3, bias: false, random }));
    this.norm = this.registerModule('norm', new BatchNorm2d(gpu, 4));
    this.head = this.registerModule('head', new Linear(gpu, 36, 2, { random }));
  }

  override forward(images: Tensor): Tensor {
    return pipe(images, this.conv, this.norm, new ReLU(), flatten, this.head);
  }
}

function makeParts(seed: number) {
  const generator = new Generator(seed);
  const model = new Net(generator);
  const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
  return { model, optimizer, scheduler: new StepLR(optimizer, { stepSize: 2 }), generator };
}

function epoch({ model, optimizer, scheduler, generator }: ReturnType<typeof makeParts>): void {
  for (let step = 0; step < 3; step++) {
    scope(() => {
      const images = Tensor.from(gpu, generator.fillNormal(new Float32Array(4 * 75), 0, 1), [4, 3, 5, 5]);
      const labels = Tensor.from(gpu, Uint32Array.of(0, 1, 1, 0), [4]);
      backward(crossEntropy(model.call(images), labels));
      optimizer.step();
      optimizer.zeroGrad();
    });
  }
  scheduler.step();
}

gpuTest('goes on to the same bits', async () => {
  const whole = makeParts(1);
  for (let i = 0; i < 5; i++) epoch(whole);
  const first = makeParts(1);
  for (let i = 0; i < 3; i++) epoch(first);
  const path = join(root, 'own.safetensors');
  const saving = saveTraining(path, first, { epoch: 3, note: 'half way' });
  // The file holds the state at the call.
  epoch(first);
  await saving;
  const other = makeParts(2);
  expect(loadTraining(path, other)).toEqual({ epoch: 3, note: 'half way' });
  for (let i = 0; i < 2; i++) epoch(other);
  expect(await other.model.exportState()).toEqual(await whole.model.exportState());
  expect(other.optimizer.lr).toBe(whole.optimizer.lr);
  expect(other.generator.u32()).toBe(whole.generator.u32());
  const names = [...readCheckpoint(path).tensors.keys()];
  expect(names).toEqual(expect.arrayContaining(['model.norm.running_var', 'optimizer.0.momentum_buffer']));
});

gpuTest('what does not fit is refused by name', async () => {
  const parts = makeParts(1);
  const { model, optimizer } = parts;
  const path = join(root, 'model-only.safetensors');
  await saveTraining(path, { model });
  expect(loadTraining(path, { model })).toEqual({});
  expect(() => loadTraining(path, { model, optimizer })).toThrow(`${path}: holds no state of a optimizer.`);
  const weights = join(root, 'weights.safetensors');
  writeSafetensors(weights, { tensors: new Map(await model.exportState()), metadata: {} });
  expect(() => loadTraining(weights, parts)).toThrow(`${weights}: expected a saved training`);
  const { tensors, metadata } = readCheckpoint(path);
  const newer = { ...JSON.parse(metadata['dawngrad.training']!), version: 2 };
  const later = join(root, 'later.safetensors');
  writeSafetensors(later, { tensors, metadata: { 'dawngrad.training': JSON.stringify(newer) } });
  expect(() => loadTraining(later, { model })).toThrow('its format has version 2, this program reads version 1');
  const cut = join(root, 'cut.safetensors');
  writeFileSync(cut, 'x');
  expect(() => loadTraining(cut, { model })).toThrow(cut);
  const head = new Linear(gpu, 3, 2, { random: new Generator(1) });
  expect(() => loadTraining(path, { model: head })).toThrow(`${path}: These weights belong to another model`);
});

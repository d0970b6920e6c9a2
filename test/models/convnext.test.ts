/** ConvNeXt against torchvision's: a small one from a seed to gradients; the published one by its entries, draws and timm's names. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { backward } from '../../src/autograd/backward.ts';
import { graphSize, noGrad } from '../../src/autograd/graph.ts';
import { crossEntropy } from '../../src/autograd/ops/cross-entropy.ts';
import { scope } from '../../src/autograd/scope.ts';
import { Tensor } from '../../src/autograd/tensor.ts';
import { findNet } from '../../src/models/find-net.ts';
import { ConvNeXt, gradCam } from '../../src/models/index.ts';
import { learnFrom } from '../../src/models/learning.ts';
import { netOf, netWith } from '../../src/models/registry.ts';
import { Generator } from '../../src/random/mt19937.ts';
import type { Checkpoint } from '../../src/weights/index.ts';
import { expectClose, findDifference } from '../support/compare.ts';
import { withGpu } from '../support/gpu.ts';
import { goldenModels } from './support.ts';

const { gpuTest, gpu } = await withGpu();

interface Golden {
  readonly tiny: {
    readonly entries: [name: string, shape: number[]][];
    /** Of each entry's values, a digest. */
    readonly bits: Record<string, string>;
    /** torch.rand(1) after the forward pass. */
    readonly next: number;
    readonly loss: number;
    readonly logits: number[];
    /** First and last three values. */
    readonly grads: Record<string, number[]>;
    readonly grad_norms: Record<string, number>;
    readonly eval_logits: number[];
  };
  readonly published: {
    readonly parameters: number;
    readonly entries: number;
    readonly sha256: string;
    readonly randint: number;
  };
}

const { tiny: expected, published } = goldenModels<Golden>('convnext');
/** Where torchvision has other weights of the blocks' parts than 1e-6, gradients below them can be seen. */
const SCALE = 0.5;
const DEPTH = 0.3;
const STAGES = [
  { channels: 8, blocks: 1 },
  { channels: 16, blocks: 1 },
  { channels: 24, blocks: 2 },
  { channels: 32, blocks: 1 },
];
const OUTPUTS = { atol: 2e-6, rtol: 2e-5 };

const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
const ends = (values: Float32Array) => [...values.slice(0, 3), ...values.slice(-3)];
const digest = (values: ArrayBufferView) =>
  createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex');

function build(random: Generator): ConvNeXt {
  return new ConvNeXt(gpu, { stages: STAGES, depth: DEPTH, layerScale: SCALE }, { classes: 3, random });
}

gpuTest('from seed 0: weights to the bit, logits, loss, gradients, evaluation, heat map', async () => {
  const before = gpu.pool.liveBytes;
  const random = new Generator(0);
  const model = build(random);
  const drawn = await model.exportState();
  expect(Array.from(drawn, ([entry, { shape }]) => [entry, shape])).toEqual(expected.entries);
  const bits = Array.from(drawn, ([entry, { data }]) => [entry, digest(data)]);
  expect(Object.fromEntries(bits)).toEqual(expected.bits);
  const pixels = random.fillUniform(new Float32Array(3 * 3 * 64 * 64), -2, 2);
  const images = Tensor.from(gpu, pixels as Float32Array<ArrayBuffer>, [3, 3, 64, 64]);
  const labels = Tensor.from(gpu, Uint32Array.of(1, 0, 2), [3]);

  const logits = model.call(images);
  expect(random.rand()).toBe(Math.fround(expected.next));
  const loss = crossEntropy(logits, labels);
  backward(loss);
  expect(graphSize(gpu)).toBe(0);
  expectClose('logits', await logits.data(), expected.logits, OUTPUTS);
  expectClose('loss', [await loss.item()], [expected.loss], OUTPUTS);
  for (const [parameter, { grad }] of model.namedParameters()) {
    const values = await grad!.data();
    const size = expected.grad_norms[parameter]!;
    expectClose(`${parameter}: length of the gradient`, [norm(values)], [size], { atol: 0, rtol: 5e-5 });
    const tolerance = { atol: (1e-4 * size) / Math.sqrt(values.length) + 1e-9, rtol: 1e-4 };
    expectClose(`${parameter} grad`, ends(values), expected.grads[parameter]!, tolerance);
    // A planted error: nothing above passes a gradient that is a thousandth too large.
    expect(findDifference([1.001 * norm(values)], [size], { atol: 0, rtol: 5e-5 })).toBeDefined();
  }
  const evaluated = noGrad(() => model.eval().call(images));
  expectClose('logits in evaluation', await evaluated.data(), expected.eval_logits, OUTPUTS);
  const again = noGrad(() => scope(() => model.scoresOfMaps(model.maps(images))));
  expectClose('scores of maps', await again.data(), await evaluated.data(), { atol: 0, rtol: 0 });
  const heat = gradCam(model, images, 0);
  expect(heat.shape).toEqual([3, 64, 64]);
  for (const tensor of [images, labels, logits, loss, evaluated, again, heat, model]) tensor.dispose();
  expect(gpu.pool.liveBytes).toBe(before);
});

gpuTest('learns from a block on', () => {
  const model = build(new Generator(0));
  expect([...model.blocks.keys()].at(-1)).toBe(model.headName);
  expect([...model.blocks.values()].flat().flatMap((part) => part.parameters())).toEqual(model.parameters());
  learnFrom(model, 'features.7');
  const learns = [...model.namedParameters()].filter(([, { requiresGrad }]) => requiresGrad);
  expect(learns[0]![0]).toBe('features.7.0.layer_scale');
  model.dispose();
});

/** torchvision's name under which timm has another, and its shape. */
function timmEntry(name: string, shape: readonly number[]): [string, readonly number[]] {
  const [part, at, ...rest] = name.split('.') as [string, string, ...string[]];
  if (part === 'classifier') return [`head.${at === '0' ? 'norm' : 'fc'}.${rest.join('.')}`, shape];
  if (at === '0') return [`stem.${rest.join('.')}`, shape];
  const stage = Number(at) >> 1;
  if (Number(at) % 2 === 0) return [`stages.${stage}.downsample.${rest.join('.')}`, shape];
  const [block, , layer, kind] = rest;
  if (layer === undefined) return [`stages.${stage}.blocks.${block}.gamma`, shape.slice(0, 1)];
  const layers: Record<string, string> = { 0: 'conv_dw', 2: 'norm', 3: 'mlp.fc1', 5: 'mlp.fc2' };
  return [`stages.${stage}.blocks.${block}.${layers[layer]}.${kind}`, shape];
}

gpuTest(
  "convnext_tiny has torchvision's entries, leaves the generator where it does, and is read under timm's names",
  () => {
    const net = netOf('convnext_tiny');
    const random = new Generator(0);
    const model = net.build(gpu, { random, init: 'skip' });
    expect(random.u32() % (2 ** 31 - 1)).toBe(published.randint);
    expect(model.parameters().reduce((sum, { size }) => sum + size, 0)).toBe(published.parameters);
    const entries = new Map(Array.from(model.namedParameters(), ([key, { shape }]) => [key, { shape }]));
    expect(entries.size).toBe(published.entries);
    const lines = Array.from(entries, ([key, { shape }]) => `${key} ${shape.join('x')}`);
    expect(createHash('sha256').update(lines.join('\n')).digest('hex')).toBe(published.sha256);
    expect([model.headName, model.featureSize, [...model.blocks.keys()]]).toEqual([
      net.headName,
      net.featureSize,
      net.blocks,
    ]);
    expect(netWith(entries)).toBe(net);

    const data = new Float32Array(1);
    const timm = Array.from(entries, ([key, { shape }]) => timmEntry(key, shape));
    const file = { tensors: new Map(timm.map(([key, shape]) => [`model.${key}`, { shape, data }])), metadata: {} };
    const found = findNet('weights.pth', file as Checkpoint);
    expect(Array.from(found.tensors, ([key, { shape }]) => `${key} ${shape.join('x')}`)).toEqual(lines);
    expect(found.notes!.at(-1)).toBe("timm's names");
    model.dispose();
  },
);

test('a larger ConvNeXt of the same widths is another network', () => {
  const stage = (s: number, blocks: number, channels: number) =>
    Array.from({ length: blocks }, (_, b): [string, { shape: number[] }] => [
      `features.${2 * s + 1}.${b}.layer_scale`,
      { shape: [channels, 1, 1] },
    ]);
  const entries = (third: number) =>
    new Map<string, { shape: number[] }>([
      ['features.0.0.weight', { shape: [96, 3, 4, 4] }],
      ...stage(2, third, 384),
      ...stage(3, 3, 768),
    ]);
  expect(netWith(entries(9))?.name).toBe('convnext_tiny');
  expect(netWith(entries(27))).toBeUndefined();
});

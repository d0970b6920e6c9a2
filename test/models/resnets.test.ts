/** ResNets with bottlenecks, width and groups against torchvision's: small ones from a seed to gradients, the published ones by their entries. */
import { createHash } from 'node:crypto';
import { describe, expect } from 'vitest';
import { backward } from '../../src/autograd/backward.ts';
import { noGrad } from '../../src/autograd/graph.ts';
import { crossEntropy } from '../../src/autograd/ops/cross-entropy.ts';
import { Tensor } from '../../src/autograd/tensor.ts';
import { FileError } from '../../src/errors.ts';
import { findNet } from '../../src/models/find-net.ts';
import { gradCam, ResNet, type ResNetShape } from '../../src/models/index.ts';
import { learnFrom } from '../../src/models/learning.ts';
import { netOf, netWith } from '../../src/models/registry.ts';
import { fromScratch, startFrom } from '../../src/models/start.ts';
import type { Architecture } from '../../src/models/types.ts';
import { planMemory } from '../../src/plan/index.ts';
import { Generator } from '../../src/random/mt19937.ts';
import type { Dense } from '../nn/support.ts';
import { expectClose } from '../support/compare.ts';
import { withGpu } from '../support/gpu.ts';
import { PLAIN_GPU } from '../support/resnet18.ts';
import { goldenModels } from './support.ts';

const { gpuTest, gpu } = await withGpu();

interface Small {
  /** First and last two values. */
  readonly weights: Record<string, number[]>;
  readonly logits: Dense;
  readonly loss: number;
  readonly grads: Record<string, number[]>;
  readonly grad_norms: Record<string, number>;
  readonly running: Record<string, number[]>;
  readonly eval_logits: Dense;
}

interface Published {
  readonly parameters: number;
  readonly entries: number;
  readonly sha256: string;
}

type Golden = Record<'bottleneck' | 'wide' | 'groups', Small> & { readonly published: Record<string, Published> };

const golden = goldenModels<Golden>('resnets');
const SMALL: Record<'bottleneck' | 'wide' | 'groups', ResNetShape> = {
  bottleneck: { depths: [1, 1, 1, 1], block: 'bottleneck', widthPerGroup: 16 },
  wide: { depths: [1, 2, 1, 1], block: 'bottleneck', widthPerGroup: 24 },
  groups: { depths: [1, 1, 1, 1], block: 'bottleneck', groups: 4, widthPerGroup: 6 },
};

const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
const ends = (values: Float32Array) => [...values.slice(0, 2), ...values.slice(-2)];

describe.each(['bottleneck', 'wide', 'groups'] as const)('%s, from seed 0', (name) => {
  const expected = golden[name];
  const outputs = { atol: 1e-5, rtol: 5e-5 };

  gpuTest('draws, logits, loss, gradients, running statistics are torchvision’s', async () => {
    const random = new Generator(0);
    const model = new ResNet(gpu, SMALL[name], { classes: 3, random });
    for (const [key, parameter] of model.namedParameters()) {
      const values = expected.weights[key];
      if (values) expectClose(key, ends(await parameter.data()), values, { atol: 1e-6, rtol: 1e-5 });
    }
    const images = Tensor.from(gpu, random.fillNormal(new Float32Array(2 * 3 * 64 * 64), 0, 1), [2, 3, 64, 64]);
    const labels = Tensor.from(gpu, Uint32Array.of(2, 0), [2]);
    const logits = model.call(images);
    const loss = crossEntropy(logits, labels);
    backward(loss);
    expectClose('logits', await logits.data(), expected.logits.data, outputs);
    expectClose('loss', [await loss.item()], [expected.loss], outputs);
    for (const [key, parameter] of model.namedParameters()) {
      const grad = await parameter.grad!.data();
      const size = expected.grad_norms[key]!;
      // A single ReLU on the other side of 0 changes all gradients before it by 3e-4; verify's `backbones` rules that out.
      expectClose(`${key}: length of the gradient`, [norm(grad)], [size], { atol: 1e-7, rtol: 2e-3 });
      const tolerance = { atol: (5e-3 * size) / Math.sqrt(grad.length), rtol: 5e-3 };
      expectClose(`${key} grad`, ends(grad), expected.grads[key]!, tolerance);
    }
    const state = await model.exportState();
    for (const [key, values] of Object.entries(expected.running)) {
      expectClose(key, state.get(key)!.data.slice(0, 2), values, { atol: 1e-6, rtol: 5e-5 });
    }
    const evaluated = noGrad(() => model.eval().call(images));
    expectClose('logits in evaluation', await evaluated.data(), expected.eval_logits.data, outputs);
    for (const tensor of [images, labels, logits, loss, evaluated, model]) tensor.dispose();
  });
});

describe('what the commands ask of a network', () => {
  gpuTest('features and maps lead to the scores; Grad-CAM and blocks know a bottleneck', async () => {
    const model = new ResNet(gpu, SMALL.groups, { classes: 3, random: new Generator(1) }).eval();
    const images = Tensor.from(gpu, new Generator(2).fillNormal(new Float32Array(3 * 64 * 64), 0, 1), [1, 3, 64, 64]);
    const maps = noGrad(() => model.maps(images));
    expect(maps.shape).toEqual([1, 2048, 2, 2]);
    const [scores, direct] = noGrad(() => [model.scoresOfMaps(maps), model.call(images)] as const);
    expectClose('scores', await scores.data(), await direct.data(), { atol: 1e-6, rtol: 1e-6 });
    const heat = gradCam(model, images, 1);
    expect(heat.shape).toEqual([1, 64, 64]);
    learnFrom(model, 'layer4');
    const learning = [...model.namedParameters()]
      .filter(([, one]) => one.requiresGrad)
      .map(([key]) => key.split('.')[0]);
    expect([...new Set(learning)]).toEqual(['layer4', 'fc']);
    expect(() => learnFrom(model, 'layer5')).toThrow(
      'expected conv1, layer1, layer2, layer3, layer4, fc, got "layer5"',
    );
    for (const tensor of [images, maps, scores, direct, heat, model]) tensor.dispose();
  });

  gpuTest('a shape that there is not is refused', () => {
    const make = (shape: object) => () => new ResNet(gpu, shape as ResNetShape, { init: 'skip' });
    expect(make({ depths: [1, 1, 1, 1], block: 'wide' })).toThrow(/block must be 'basic' or 'bottleneck'/);
    expect(make({ depths: [1, 1, 1, 1], groups: 2 })).toThrow(/groups and widthPerGroup are for block 'bottleneck'/);
    expect(make({ depths: [1, 1, 1] })).toThrow(/depths must be four numbers/);
  });
});

/** Building all would take seconds: the deepest are like these. */
const BUILT = ['resnet50', 'resnext50_32x4d', 'wide_resnet50_2'] as const satisfies readonly Architecture[];

describe.each(BUILT)('%s', (name) => {
  gpuTest('has torchvision’s entries, and a file tells that it is one', () => {
    const { parameters, entries: count, sha256 } = golden.published[name]!;
    const net = netOf(name);
    const model = net.build(gpu, { init: 'skip' });
    expect(model.parameters().reduce((sum, { size }) => sum + size, 0)).toBe(parameters);
    const shapes = Array.from(
      model.stateDict(),
      ([key, entry]) => [key, 'shape' in entry ? [...entry.shape] : []] as const,
    );
    expect(shapes.length).toBe(count);
    const lines = shapes.map(([key, shape]) => `${key} ${shape.join()}`);
    expect(createHash('sha256').update(lines.join('\n')).digest('hex')).toBe(sha256);
    expect([model.headName, model.featureSize, [...model.blocks.keys()]]).toEqual([
      ...[net.headName, net.featureSize, [...net.blocks]],
    ]);
    expect(new Set([...model.blocks.values()].flat().flatMap((part) => part.parameters())).size).toBe(
      model.parameters().length,
    );
    const entries = new Map(shapes.map(([key, shape]) => [key, { shape }]));
    expect(netWith(entries)).toBe(net);
    const stored = shapes.map(([key, shape]) => [`model.${key}`, { shape, data: new Float32Array() }] as const);
    const found = findNet('a.ckpt', { tensors: new Map(stored), metadata: {} });
    expect([...found.tensors.keys()]).toEqual([...entries.keys()]);
    model.dispose();
  });
});

gpuTest('a memory plan is that of the network that is named', () => {
  const question = { mode: 'finetune', classes: 2, imageSize: 64, batchSize: 2, momentum: 0.9 } as const;
  const plan = (name: Architecture) =>
    planMemory(PLAIN_GPU, { ...question, pictures: { train: 2, val: 2 }, start: fromScratch(name) });
  // 23,512,130 with two classes, as torchvision's.
  expect(plan('resnet50').parameters).toBeGreaterThan(4 * 23_512_130);
  expect(plan('resnet50').parameters).toBeLessThan(4.01 * 23_512_130);
  expect(plan('resnet18').parameters).toBeLessThan(4.01 * 11_177_538);
});

gpuTest('a checkpoint of another width is refused with the names that are known', () => {
  const model = new ResNet(gpu, { ...SMALL.bottleneck, depths: [3, 4, 6, 3] }, { init: 'skip' });
  const tensors = new Map(
    Array.from(model.stateDict(), ([key, entry]) => [
      key,
      { shape: 'shape' in entry ? [...entry.shape] : [], data: new Float32Array() },
    ]),
  );
  model.dispose();
  const read = () => startFrom('narrow.pth', { tensors, metadata: {} }, ['a', 'b']);
  expect(read).toThrow(FileError);
  expect(read).toThrow(/narrow\.pth: .*found those of a similar one.*resnet50, .*resnext101_64x4d/);
});

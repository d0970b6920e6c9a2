/**
 * MobileNetV2, V3 and EfficientNet as wholes against torchvision's: small ones from a seed to gradients, with dropout and
 * stochastic depth; the published ones by their entries, draws and names; what timm calls them.
 */
import { createHash } from 'node:crypto';
import { describe, expect } from 'vitest';
import { backward } from '../../src/autograd/backward.ts';
import { DTypeError } from '../../src/autograd/errors.ts';
import { graphSize, noGrad } from '../../src/autograd/graph.ts';
import { crossEntropy } from '../../src/autograd/ops/cross-entropy.ts';
import { scope } from '../../src/autograd/scope.ts';
import { Tensor } from '../../src/autograd/tensor.ts';
import { FileError } from '../../src/errors.ts';
import { findNet } from '../../src/models/find-net.ts';
import { EfficientNet, type FeaturesClassifier, gradCam, MobileNetV2, MobileNetV3 } from '../../src/models/index.ts';
import { learnFrom } from '../../src/models/learning.ts';
import { netOf, netWith } from '../../src/models/registry.ts';
import type { Architecture } from '../../src/models/types.ts';
import { Linear } from '../../src/nn/index.ts';
import { Generator } from '../../src/random/mt19937.ts';
import type { Checkpoint } from '../../src/weights/index.ts';
import type { Dense } from '../nn/support.ts';
import { expectClose } from '../support/compare.ts';
import { withGpu } from '../support/gpu.ts';
import { goldenModels } from './support.ts';

const { gpuTest, gpu } = await withGpu();

interface Golden {
  readonly entries: [name: string, shape: number[]][];
  /** First and last three values. */
  readonly weights: Record<string, number[]>;
  /** torch.rand(1) after the forward pass. */
  readonly next: number;
  readonly logits: Dense;
  readonly loss: number;
  readonly grads: Record<string, number[]>;
  readonly grad_norms: Record<string, number>;
  readonly running: Record<string, number[]>;
  readonly eval_logits: Dense;
}

const TINY: Record<string, (random: Generator) => FeaturesClassifier> = {
  v2: (random) =>
    new MobileNetV2(
      gpu,
      {
        stem: 32,
        stages: [
          { expansion: 1, channels: 8, blocks: 1, stride: 1 },
          { expansion: 2, channels: 8, blocks: 2, stride: 2 },
          { expansion: 3, channels: 16, blocks: 1, stride: 2 },
        ],
        features: 1280,
      },
      { classes: 3, random },
    ),
  v3: (random) =>
    new MobileNetV3(
      gpu,
      {
        stem: 8,
        blocks: [
          { kernel: 3, width: 8, channels: 8, squeeze: true, activation: 'relu', stride: 2 },
          { kernel: 5, width: 24, channels: 16, squeeze: false, activation: 'hardswish', stride: 1 },
          { kernel: 5, width: 32, channels: 16, squeeze: true, activation: 'hardswish', stride: 1 },
        ],
        features: 40,
      },
      { classes: 3, random },
    ),
  efficientnet: (random) =>
    new EfficientNet(
      gpu,
      {
        stem: 16,
        stages: [
          { expansion: 1, kernel: 3, channels: 8, blocks: 1, stride: 1 },
          { expansion: 2, kernel: 3, channels: 16, blocks: 2, stride: 2 },
          { expansion: 3, kernel: 5, channels: 16, blocks: 2, stride: 1 },
        ],
      },
      { classes: 3, random },
    ),
};

const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
const ends = (values: ArrayLike<number>) => {
  const all = Array.from(values);
  return [...all.slice(0, 3), ...all.slice(-3)];
};

describe.each(Object.entries(goldenModels<Record<string, Golden>>('mobile-nets')))('a small %s', (name, expected) => {
  // The weights agree only to 2e-6 of their standard deviation (see init.test.ts), and batch norms over few values enlarge it.
  const outputs = { atol: 2e-5, rtol: 1e-4 };

  gpuTest('from seed 0: weights, logits, loss, gradients, running statistics, evaluation', async () => {
    const before = gpu.pool.liveBytes;
    const random = new Generator(0);
    const model = TINY[name]!(random);
    const drawn = await model.exportState();
    expect(Array.from(drawn, ([entry, { shape }]) => [entry, shape])).toEqual(expected.entries);
    for (const [entry, values] of Object.entries(expected.weights)) {
      expectClose(entry, ends(drawn.get(entry)!.data), values, { atol: 2e-6, rtol: 2e-6 });
    }
    const pixels = random.fillNormal(new Float32Array(4 * 3 * 32 * 32));
    const images = Tensor.from(gpu, pixels as Float32Array<ArrayBuffer>, [4, 3, 32, 32]);
    const labels = Tensor.from(gpu, Uint32Array.of(1, 0, 2, 1), [4]);

    const logits = model.call(images);
    expect(random.rand()).toBe(Math.fround(expected.next));
    const loss = crossEntropy(logits, labels);
    backward(loss);
    expect(graphSize(gpu)).toBe(0);
    expectClose('logits', await logits.data(), expected.logits.data, outputs);
    expectClose('loss', [await loss.item()], [expected.loss], outputs);
    for (const [parameter, { grad }] of model.namedParameters()) {
      const values = await grad!.data();
      const size = expected.grad_norms[parameter]!;
      expectClose(`${parameter}: length of the gradient`, [norm(values)], [size], { atol: 1e-6, rtol: 2e-4 });
      const tolerance = { atol: (1e-3 * size) / Math.sqrt(values.length) + 1e-7, rtol: 1e-3 };
      expectClose(`${parameter} grad`, ends(values), expected.grads[parameter]!, tolerance);
    }
    const state = await model.exportState();
    for (const [entry, values] of Object.entries(expected.running)) {
      expectClose(entry, ends(state.get(entry)!.data), values, { atol: 2e-6, rtol: 1e-4 });
    }
    const evaluated = noGrad(() => model.eval().call(images));
    expectClose('logits in evaluation', await evaluated.data(), expected.eval_logits.data, outputs);
    // The heat maps' way: from maps to scores.
    const again = noGrad(() => scope(() => model.scoresOfMaps(model.maps(images))));
    expectClose('scores of maps', await again.data(), await evaluated.data(), { atol: 1e-6, rtol: 1e-5 });
    const heat = gradCam(model, images, 0);
    expect(heat.shape).toEqual([4, 32, 32]);
    for (const tensor of [images, labels, logits, loss, evaluated, again, heat, model]) tensor.dispose();
    expect(gpu.pool.liveBytes).toBe(before);
  });

  gpuTest('learns from a block on; its head is replaced', () => {
    const model = TINY[name]!(new Generator(0));
    const names = [...model.blocks.keys()];
    expect(names.at(-1)).toBe(model.headName);
    expect([...model.blocks.values()].flat().flatMap((part) => part.parameters())).toEqual(model.parameters());
    learnFrom(model, 'features.2');
    const learns = [...model.namedParameters()].filter(([, { requiresGrad }]) => requiresGrad);
    expect(learns[0]![0]).toMatch(/^features\.2\./);
    const head = new Linear(gpu, model.featureSize, 5, { init: 'skip' });
    model.head = head;
    expect(model.head).toBe(head);
    expect(model.stateDict().get(`${model.headName}.weight`)).toBe(head.weight);
    const images = Tensor.zeros(gpu, [2, 3, 32, 32]);
    const scores = noGrad(() => model.eval().call(images));
    expect(scores.shape).toEqual([2, 5]);
    for (const tensor of [images, scores, model]) tensor.dispose();
  });
});

interface Published {
  readonly parameters: number;
  readonly entries: number;
  readonly sha256: string;
  readonly randint: number;
}

/** timm's blocks by stage: `ds` without expansion, `ir` with it; `+` with squeeze and excitation. */
type TimmStages = readonly (readonly ('ds' | 'ir' | 'ds+' | 'ir+')[])[];
const SE2 = ['ir+', 'ir+'] as const;
const SE3 = ['ir+', 'ir+', 'ir+'] as const;
const PLAIN3 = ['ir', 'ir', 'ir'] as const;
const TIMM: Record<string, { stages: TimmStages; last: number | undefined }> = {
  mobilenet_v2: {
    stages: [['ds'], ['ir', 'ir'], PLAIN3, ['ir', ...PLAIN3], PLAIN3, PLAIN3, ['ir']],
    last: undefined,
  },
  mobilenet_v3_small: { stages: [['ds+'], ['ir', 'ir'], SE3, SE2, SE3], last: 5 },
  mobilenet_v3_large: { stages: [['ds'], ['ir', 'ir'], SE3, ['ir', ...PLAIN3], SE2, SE3], last: 6 },
  efficientnet_b0: { stages: [['ds+'], SE2, SE2, SE3, SE3, ['ir+', ...SE3], ['ir+']], last: undefined },
};

/** timm's names of modules, in its order: of each a convolution or linear layer, or a batch norm. */
function timmModules({ stages, last }: (typeof TIMM)[string]): string[] {
  const blocks = stages.flatMap((stage, s) =>
    stage.flatMap((kind, b) => {
      const layers = kind.startsWith('ds') ? ['conv_dw', 'bn1'] : ['conv_pw', 'bn1', 'conv_dw', 'bn2'];
      const squeeze = kind.endsWith('+') ? ['se.conv_reduce', 'se.conv_expand'] : [];
      const narrow = kind.startsWith('ds') ? ['conv_pw', 'bn2'] : ['conv_pwl', 'bn3'];
      return [...layers, ...squeeze, ...narrow].map((layer) => `blocks.${s}.${b}.${layer}`);
    }),
  );
  const head =
    last === undefined
      ? ['conv_head', 'bn2', 'classifier']
      : [`blocks.${last}.0.conv`, `blocks.${last}.0.bn1`, 'conv_head', 'classifier'];
  return ['conv_stem', 'bn1', ...blocks, ...head];
}

/** The network's entries under timm's names, as timm's file of it would hold them: both list layers in the order of computing. */
function timmFile(name: string, entries: ReadonlyMap<string, { shape: readonly number[] }>): Checkpoint {
  const modules = [...new Set(Array.from(entries.keys(), (entry) => entry.slice(0, entry.lastIndexOf('.'))))];
  const timm = timmModules(TIMM[name]!);
  expect(timm).toHaveLength(modules.length);
  const tensors = new Map(
    Array.from(entries, ([entry, { shape }], i) => {
      const dot = entry.lastIndexOf('.');
      const module = timm[modules.indexOf(entry.slice(0, dot))]!;
      const isConv = module === 'conv_head' && shape.length === 2;
      const size = shape.reduce((product, extent) => product * extent, 1);
      const data = new Float32Array(Math.min(size, 4)).fill(i + 1);
      return [`${module}${entry.slice(dot)}`, { shape: isConv ? [...shape, 1, 1] : shape, data }] as const;
    }),
  );
  return { tensors: new Map(tensors) } as Checkpoint;
}

describe.each(Object.entries(goldenModels<Record<string, Published>>('mobile-entries')))('%s', (name, expected) => {
  const net = netOf(name as Architecture);

  gpuTest("has torchvision's entries, and leaves the generator where it does", () => {
    const random = new Generator(0);
    const model = net.build(gpu, { random, init: 'skip' });
    expect(random.u32() % (2 ** 31 - 1)).toBe(expected.randint);
    expect(model.parameters().reduce((sum, { size }) => sum + size, 0)).toBe(expected.parameters);
    const shapeOf = (entry: object) => ('shape' in entry ? (entry.shape as readonly number[]) : []);
    const entries = new Map(Array.from(model.stateDict(), ([key, entry]) => [key, { shape: shapeOf(entry) }]));
    expect(entries.size).toBe(expected.entries);
    const lines = Array.from(entries, ([key, { shape }]) => `${key} ${shape.join('x')}`);
    expect(createHash('sha256').update(lines.join('\n')).digest('hex')).toBe(expected.sha256);
    expect(model.headName).toBe(net.headName);
    expect(model.featureSize).toBe(net.featureSize);
    expect([...model.blocks.keys()]).toEqual(net.blocks);
    expect(netWith(entries)).toBe(net);

    const file = timmFile(name, entries);
    const found = findNet('weights.pth', file);
    expect([...found.tensors.keys()]).toEqual([...entries.keys()]);
    expect(Array.from(found.tensors.values(), ({ shape }) => shape)).toEqual(
      Array.from(entries.values(), ({ shape }) => shape),
    );
    expect(found.notes!.at(-1)).toMatch(/^timm's names/);
    const isV3 = name.startsWith('mobilenet_v3');
    for (const [i, [key, { data }]] of [...found.tensors].entries()) {
      const moved = isV3 && key.endsWith('running_var') ? 1e-5 - 1e-3 : 0;
      expect(data[0], key).toBe(Math.fround(i + 1 + moved));
    }
    expect(() => findNet('folder/tf_weights.pth', file)).toThrow(FileError);
    const byMetadata = { ...file, metadata: { arch: `tf_${name}` } };
    expect(() => findNet('weights.pth', byMetadata as never)).toThrow('pads them as TensorFlow does');
    model.dispose();
  });
});

gpuTest('half precision is refused, as some layers have no kernels for it', () => {
  const model = netOf('efficientnet_b0').build(gpu, { init: 'skip', classes: 2 });
  expect(() => model.half()).toThrow(DTypeError);
  expect(model.parameters().every(({ dtype }) => dtype === 'f32')).toBe(true);
  model.dispose();
});

gpuTest('a network without a source of random numbers predicts, but does not train', () => {
  const model = netOf('mobilenet_v3_small').build(gpu, { init: 'skip', classes: 2 });
  const images = Tensor.zeros(gpu, [2, 3, 32, 32]);
  expect(() => model.call(images)).toThrow('built without a source of random numbers');
  const scores = noGrad(() => model.eval().call(images));
  expect(scores.shape).toEqual([2, 2]);
  for (const tensor of [images, scores, model]) tensor.dispose();
});

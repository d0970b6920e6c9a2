/** Whole networks in ONNX Runtime, and what the export refuses. */
import { expect } from 'vitest';
import {
  elementwise,
  type Floating,
  flatten,
  gelu,
  leakyRelu,
  noGrad,
  record,
  scope,
  Tensor,
  where,
} from '../../../src/autograd/index.ts';
import { resnet18 } from '../../../src/models/index.ts';
import {
  BatchNorm2d,
  Conv2d,
  Dropout,
  Embedding,
  LayerNorm,
  Linear,
  Module,
  pipe,
  ReLU,
  Sequential,
} from '../../../src/nn/index.ts';
import { type ExportedModel, type ExportOptions, exportOnnx } from '../../../src/onnx/export/export.ts';
import { decodeOnnx } from '../../../src/onnx/proto.ts';
import { Generator } from '../../../src/random/mt19937.ts';
import { withGpu } from '../../support/gpu.ts';
import { type HostTensor, hasOnnxruntime, NO_ONNXRUNTIME, runOnnx } from '../../support/onnxruntime.ts';
import { skipUnless } from '../../support/skip.ts';

const { gpu, gpuTest } = await withGpu();
const ortTest = hasOnnxruntime() ? gpuTest : skipUnless(false, NO_ONNXRUNTIME);
const random = new Generator(0);
const BATCH = 3;

/** The largest difference between the outputs of a model and of its file. */
async function differenceOf(model: ExportedModel, options: ExportOptions, input: HostTensor, own?: HostTensor) {
  const file = await exportOnnx(model, options);
  const outputs = await runOnnx(file, input);
  const taken = own ?? input;
  const call = model instanceof Module ? (x: Tensor) => model.call(x) : model;
  const data = taken.data instanceof Float32Array ? taken.data : Uint32Array.from(taken.data, Number);
  const result = scope(() => noGrad(() => call(Tensor.from(gpu, data as Float32Array, taken.shape) as Tensor)));
  const expected = await result.data();
  const found = outputs.get(options.outputName ?? 'output')!;
  expect(found.shape).toEqual(result.shape);
  return expected.reduce((worst, value, i) => Math.max(worst, Math.abs(value - Number(found.data[i]))), 0);
}

const noise = (...shape: number[]): HostTensor & { data: Float32Array } => ({
  shape,
  data: random.fillNormal(new Float32Array(shape.reduce((product, extent) => product * extent, 1))),
});

ortTest('a ResNet-18 with its batch norms folded', async () => {
  const net = resnet18(gpu, { random, classes: 5 }).eval();
  for (const [, module] of net.namedModules()) {
    // Statistics that do something.
    if (!(module instanceof BatchNorm2d)) continue;
    module.runningMean.set(random.fillUniform(new Float32Array(module.channels), -0.2, 0.2));
    module.runningVar.set(random.fillUniform(new Float32Array(module.channels), 0.5, 1.5));
  }
  const input = noise(2, 3, 64, 64);
  // Float32's rounding through 18 layers.
  expect(await differenceOf(net, { inputShape: [3, 64, 64], foldBatchNorm: true }, input)).toBeLessThan(1e-4);
  net.dispose();
});

ortTest('half weights, and pixels as input', async () => {
  const net = new Sequential(
    new Conv2d(gpu, 3, 4, { kernelSize: 3, random }),
    new ReLU(),
    flatten,
    new Linear(gpu, 4 * 6 * 6, 3, { random }),
  ).eval();
  const options = { inputShape: [3, 8, 8] };
  const shape = [BATCH, ...options.inputShape];
  const half = { ...options, half: true };
  // Weights are rounded to 11 bits.
  const worst = await differenceOf(net, half, noise(...shape));
  expect(worst).toBeGreaterThan(1e-6);
  expect(worst).toBeLessThan(2e-3);
  expect((await decodeOnnx(await exportOnnx(net, half), 'half')).graph.initializers.get('0.weight')!.type).toBe('f16');
  const pixels = Uint8Array.from({ length: BATCH * 3 * 8 * 8 }, () => random.randint(256));
  const [mean, std] = [
    [0.485, 0.456, 0.406],
    [0.229, 0.224, 0.225],
  ] as const;
  const channel = (i: number) => Math.floor(i / (8 * 8)) % 3;
  const normalised = Float32Array.from(pixels, (pixel, i) => (pixel / 255 - mean[channel(i)]!) / std[channel(i)]!);
  const taken: [type: 'u8' | 'f32', data: HostTensor['data']][] = [
    ['u8', pixels],
    ['f32', Float32Array.from(pixels)],
  ];
  for (const [type, data] of taken) {
    const preprocess = { ...options, preprocess: { type, mean, std } };
    expect(await differenceOf(net, preprocess, { shape, data }, { shape, data: normalised })).toBeLessThan(1e-5);
  }
});

gpuTest('entries keep their names; the batch is free; folding leaves no batch norm', async () => {
  const net = new Sequential(
    new Conv2d(gpu, 3, 4, { kernelSize: 3, random }),
    new BatchNorm2d(gpu, 4),
    new ReLU(),
    new Conv2d(gpu, 4, 2, { kernelSize: 1, random, bias: false }),
    new BatchNorm2d(gpu, 2),
  );
  const options = { inputShape: [3, 8, 8], inputName: 'images', outputName: 'maps', metadata: { classes: '["ä"]' } };
  const plain = await decodeOnnx(await exportOnnx(net, options), 'plain');
  expect(net.training).toBe(true);
  expect(plain).toMatchObject({
    opset: 17,
    irVersion: 8,
    producer: 'dawngrad',
    metadata: new Map([['classes', '["ä"]']]),
  });
  expect(plain.graph.inputs).toEqual([{ name: 'images', type: 'f32', shape: ['batch', 3, 8, 8] }]);
  expect(plain.graph.outputs).toEqual([{ name: 'maps', type: 'f32', shape: ['batch', 2, 6, 6] }]);
  expect(plain.graph.nodes.map(({ op }) => op)).toEqual([
    'Conv',
    'BatchNormalization',
    'Relu',
    'Conv',
    'BatchNormalization',
  ]);
  const names = [...net.stateDict().keys()].filter((name) => !name.endsWith('num_batches_tracked'));
  expect([...plain.graph.initializers.keys()].sort()).toEqual(names.sort());
  const folded = await decodeOnnx(await exportOnnx(net, { ...options, foldBatchNorm: true }), 'folded');
  expect(folded.graph.nodes.map(({ op }) => op)).toEqual(['Conv', 'Relu', 'Conv']);
  expect([...folded.graph.initializers.keys()].sort()).toEqual(['0.bias', '0.weight', '3.bias', '3.weight']);
});

ortTest('a convolution that two batch norms follow keeps its weights for both', async () => {
  const conv = new Conv2d(gpu, 2, 2, { kernelSize: 1, random, bias: false });
  const norms = [new BatchNorm2d(gpu, 2), new BatchNorm2d(gpu, 2)] as const;
  norms[1].runningMean.set([0.5, -1]);
  class Twice extends Module {
    constructor() {
      super();
      this.registerModule('conv', conv);
      for (const [i, norm] of norms.entries()) this.registerModule(`norm${i}`, norm);
    }
    override forward(x: Tensor): Tensor {
      return norms[0].call(conv.call(x)).add(norms[1].call(conv.call(x.mul(2))));
    }
  }
  const model = new Twice().eval();
  expect(await differenceOf(model, { inputShape: [2, 3, 3], foldBatchNorm: true }, noise(BATCH, 2, 3, 3))).toBeLessThan(
    1e-5,
  );
});

ortTest('the networks of the examples', async () => {
  const bent = (y: Tensor) => leakyRelu(y, 0.2);
  const linear = (from: number, to: number) => new Linear(gpu, from, to, { random });
  const generator = new Sequential(linear(8, 32), bent, linear(32, 32), bent, linear(32, 2));
  expect(await differenceOf(generator, { inputShape: [8] }, noise(BATCH, 8))).toBeLessThan(1e-5);

  const [weight1, bias1, weight2] = [noise(2, 48), noise(48), noise(48, 2)].map(({ data, shape }) =>
    Tensor.from(gpu, data, shape),
  ) as [Tensor, Tensor, Tensor];
  const spirals = (x: Tensor) => x.mul(4).matmul(weight1).add(bias1).tanh().matmul(weight2);
  expect(await differenceOf(spirals, { inputShape: [2], gpu }, noise(BATCH, 2))).toBeLessThan(1e-5);

  const text = {
    shape: [BATCH, LENGTH],
    data: BigInt64Array.from({ length: BATCH * LENGTH }, (_, i) => BigInt(i % 7)),
  };
  const transformer = new Transformer() as unknown as Module;
  expect(await differenceOf(transformer, { inputShape: [LENGTH], inputType: 'u32' }, text)).toBeLessThan(1e-5);
});

const [LENGTH, WIDTH, HEADS, LETTERS] = [6, 8, 2, 7];

/** The block of examples/transformer.ts, smaller: it reshapes with the batch, and makes masks in its forward pass. */
class Transformer extends Module<[text: Tensor<'u32'>]> {
  readonly letter = this.registerModule('letter', new Embedding(gpu, LETTERS, WIDTH, { random }));
  readonly position = this.registerModule('position', new Embedding(gpu, LENGTH, WIDTH, { random }));
  readonly norm = this.registerModule('norm', new LayerNorm(gpu, WIDTH));
  readonly queryKeyValue = this.registerModule('queryKeyValue', new Linear(gpu, WIDTH, 3 * WIDTH, { random }));
  readonly mlp = this.registerModule('mlp', new Sequential(new Linear(gpu, WIDTH, 9, { random }), gelu));
  readonly head = this.registerModule('head', new Linear(gpu, 9, LETTERS, { random }));

  override forward(text: Tensor<'u32'>): Tensor {
    const [batch, length] = text.shape as [number, number];
    const places = Tensor.from(
      gpu,
      Uint32Array.from({ length }, (_, i) => i),
    );
    const mask = Uint32Array.from({ length: length ** 2 }, (_, i) => +(i % length <= i / length));
    const visible = Tensor.from(gpu, mask).reshape([length, length]);
    const x = this.letter.call(text).add(this.position.call(places));
    const split = this.queryKeyValue
      .call(this.norm.call(x))
      .reshape([batch, length, 3, HEADS, WIDTH / HEADS])
      .permute([2, 0, 3, 1, 4]);
    const [query, key, value] = [0, 1, 2].map((i) => split.narrow(0, i, 1).squeeze(0)) as [Tensor, Tensor, Tensor];
    const scores = query.matmul(key, { transposeB: true }).div(Math.sqrt(WIDTH / HEADS));
    const attended = where(visible, scores, -Infinity).softmax(-1).matmul(value).transpose(1, 2);
    return pipe(attended.reshape([batch, length, WIDTH]).add(x), this.mlp, this.head);
  }
}

ortTest('probabilities beside the scores', async () => {
  const net = new Linear(gpu, 4, 3, { random });
  const input = noise(BATCH, 4);
  const outputs = await runOnnx(await exportOnnx(net, { inputShape: [4], probabilities: true }), input);
  expect([...outputs.keys()]).toEqual(['output', 'probabilities']);
  const shares = [...(outputs.get('probabilities')!.data as Float32Array)];
  for (let i = 0; i < BATCH; i++) expect(shares[3 * i]! + shares[3 * i + 1]! + shares[3 * i + 2]!).toBeCloseTo(1, 5);
});

const halved = elementwise({ name: 'halved', inputs: ['x'], wgsl: 'x * 0.5', gradients: { x: '0.5 * grad' } });

ortTest('an op of one’s own is refused by name, or written by its mapping', async () => {
  const model = (x: Tensor) => halved(x);
  const options = { inputShape: [4], gpu };
  await expect(exportOnnx(model, options)).rejects.toThrow(/^halved: this op has no counterpart .* ops: \{ 'halved'/s);
  const mapped: ExportOptions = {
    ...options,
    ops: { halved: (op, graph) => graph.node('Mul', [op.input('x'), graph.floats(0.5)]) },
  };
  expect(await differenceOf(model, mapped, noise(BATCH, 4))).toBe(0);
});

gpuTest('what cannot be recorded is said', async () => {
  const export4 = (model: ExportedModel) => exportOnnx(model, { inputShape: [4], gpu });
  const silent = (x: Tensor) => x.add(Tensor.empty(gpu, [4]));
  await expect(export4(silent)).rejects.toThrow(/add: a tensor of shape \[4\] .* does not tell of itself/);
  const branching = (x: Tensor) => (x.shape[0] === 2 ? x.add(1) : x.mul(2));
  await expect(export4(branching)).rejects.toThrow(/other ops for a batch of 3 than for one of 2/);
  const baked = (x: Tensor) => x.mul(Tensor.zeros(gpu, x.shape));
  await expect(export4(baked)).rejects.toThrow(/shape \[2, 4\].*differs from call to call/);
  const drawing = (x: Tensor) => x.mul(Tensor.from(gpu, random.fillNormal(new Float32Array(4))));
  await expect(export4(drawing)).rejects.toThrow(/differs from call to call/);
  const dropping = new Dropout({ p: 0.5, random });
  const training = (x: Tensor) => dropping.call(x);
  await expect(export4(training)).rejects.toThrow(/dropout: is called in training mode/);
  await expect(export4((() => 3) as never)).rejects.toThrow('must return one tensor');
  await expect(exportOnnx((x: Tensor) => x, { inputShape: [4] })).rejects.toThrow('gpu must name the device');
  const same = exportOnnx((x: Tensor) => x.mul(2), { inputShape: [4], gpu, outputName: 'input' });
  await expect(same).rejects.toThrow('two values would be called input');
});

gpuTest('an op that only serves another needs no counterpart; one whose result nobody takes is left out', async () => {
  const raw = elementwise({ name: 'raw', inputs: ['x'], wgsl: 'x + 1.0' });
  const known = (x: Tensor): Tensor => {
    halved(x);
    return record({ name: 'increment', inputs: [x], output: raw(x), backward: (grad) => [grad] });
  };
  const increment = { increment: (op: never, graph: never) => write(op, graph) };
  const write = (
    op: { input(name: string): { name: string; type: 'f32' } },
    graph: { node(...all: unknown[]): { name: string; type: 'f32' }; floats(value: number): unknown },
  ) => graph.node('Add', [op.input('input 0'), graph.floats(1)]);
  const options = { inputShape: [2], gpu, ops: increment as unknown as NonNullable<ExportOptions['ops']> };
  const { graph } = await decodeOnnx(await exportOnnx(known, options), 'own');
  expect(graph.nodes.map(({ op }) => op)).toEqual(['Add']);
});

gpuTest('a batch norm in training mode, called as an op, is refused; a module is exported in evaluation', async () => {
  const norm = new BatchNorm2d(gpu, 2, { momentum: 0 });
  const net = new Sequential(new Conv2d(gpu, 1, 2, { kernelSize: 1, random }), norm).train();
  const options = { inputShape: [1, 2, 2], gpu };
  await expect(exportOnnx((x: Tensor<Floating>) => net.call(x), options)).rejects.toThrow(
    /batchNorm2d: is called in training mode/,
  );
  await exportOnnx(net, options);
  expect([...net.children.values()].every((child) => child.training)).toBe(true);
});

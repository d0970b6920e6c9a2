/**
 * Every network of the registry against torchvision's of the same name, with the same random weights: what the seed draws, logits, one
 * training step.
 */
import { backward, crossEntropy, noGrad, scope, Tensor } from '../../src/autograd/index.ts';
import { Generator } from '../../src/data/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { Classifier } from '../../src/models/index.ts';
import { NETS, type Net } from '../../src/models/registry.ts';
import { BatchNorm2d } from '../../src/nn/index.ts';
import type { TensorData } from '../../src/weights/index.ts';
import { all, atMost, type Context, type Outcome, type Row, scientific } from '../row.ts';
import { runPython } from '../tensors.ts';

const BATCH = 2;
const CLASSES = 1000;
/** Each draws its own pictures. A large net gets the first alone. */
const SEEDS = [1, 2, 3] as const;
/** Larger nets get smaller pictures: float64 on a CPU and a software adapter take minutes for them otherwise. */
const LARGE = { parameters: 15e6, side: 96 } as const;
const CI = { parameters: 12e6, side: 64 } as const;
/** As the row `step` has it, with the larger floor that stands for all families. */
const BAR = { floor: 1e-5, ratio: 4 } as const;

export const backbones: Row = {
  name: 'backbones',
  title: 'every network against torchvision’s with the same random weights: draws, logits, one step (--net NAME: one)',
  minutes: 20,
  ci: true,
  run: async (context) => {
    const nets = NETS.filter(({ name }) => context.net === undefined || name === context.net);
    if (nets.length === 0) throw new Error(`--net: there is no ${context.net}`);
    const gpu = await openGpu();
    const outcomes: Outcome[] = [];
    for (const net of nets) outcomes.push(...(await check(context, net, gpu)));
    gpu.close();
    return outcomes;
  },
};

/** Checks one network; nothing if it is too large for CI. */
async function check(context: Context, net: Net, gpu: Gpu): Promise<Outcome[]> {
  const { parameters, isLarge, side } = sizeOf(context, net, gpu);
  if (context.ci && parameters > CI.parameters) return [];
  const measured: Measured[] = [];
  for (const seed of isLarge ? [SEEDS[0]] : SEEDS) {
    const { inputs, next } = await ourStep(net, gpu, side, seed);
    measured.push(measure(context, net, inputs, next));
  }
  return outcomesOf(`${net.name}, ${BATCH} × ${side} px`, net.name, measured);
}

function sizeOf(context: Context, net: Net, gpu: Gpu) {
  const model = net.build(gpu, { classes: CLASSES, init: 'skip' });
  const parameters = model.parameters().reduce((sum, { size }) => sum + size, 0);
  model.dispose();
  const isLarge = parameters > LARGE.parameters;
  return { parameters, isLarge, side: context.ci ? CI.side : isLarge ? LARGE.side : net.input.crop };
}

/** The network as seed 0 draws it, and a step on pictures of another seed. @returns also two draws after those of the weights */
async function ourStep(net: Net, gpu: Gpu, side: number, seed: number) {
  const random = new Generator(0);
  const model = net.build(gpu, { classes: CLASSES, random });
  // The same place in the stream of draws as in torch, where nothing was drawn since.
  const next = new Generator(0);
  next.loadStateDict(random.stateDict());
  const inputs = new Map<string, TensorData>();
  for (const [name, { shape, data }] of await model.exportState()) {
    if (data instanceof Float32Array) inputs.set(`weights.${name}`, { shape, data });
  }
  const pictures = new Generator(seed).fillNormal(new Float32Array(BATCH * 3 * side ** 2));
  const labels = Uint32Array.from({ length: BATCH }, (_, i) => (7 * i + 3) % CLASSES);
  inputs.set('images', { shape: [BATCH, 3, side, side], data: pictures });
  inputs.set('labels', { shape: [BATCH], data: Float32Array.from(labels) });
  const images = Tensor.from(gpu, pictures, [BATCH, 3, side, side]);
  const logits = scope(() => noGrad(() => model.eval().call(images)));
  inputs.set('eval', { shape: [...logits.shape], data: await logits.data() });
  logits.dispose();
  const norms = recordNorms(model);
  const loss = scope(() => {
    const result = crossEntropy(model.train().call(images), Tensor.from(gpu, labels, [BATCH]));
    backward(result);
    return result;
  });
  inputs.set('loss', { shape: [1], data: await loss.data() });
  for (const [name, read] of norms) {
    const data = new Float32Array(await read());
    inputs.set(`norm.${name}`, { shape: [data.length], data });
  }
  for (const [name, { grad }] of model.namedParameters()) {
    inputs.set(`grad.${name}`, { shape: [...grad!.shape], data: await grad!.data() });
  }
  for (const [name, entry] of model.namedBuffers()) {
    if (entry instanceof Tensor) inputs.set(`state.${name}`, { shape: [...entry.shape], data: await entry.data() });
  }
  for (const tensor of [images, loss, model]) tensor.dispose();
  return { inputs, next: next.fillUniform(new Float32Array(2), 0, 1) };
}

/** What each batch norm puts out from now on, with the ReLU that is fused to it. */
function recordNorms(model: Classifier): Map<string, () => Promise<ArrayBuffer>> {
  const outputs = new Map<string, () => Promise<ArrayBuffer>>();
  for (const [name, module] of model.namedModules()) {
    if (!(module instanceof BatchNorm2d)) continue;
    const callFused = module.callFused.bind(module);
    module.callFused = (input, after) => {
      const output = callFused(input, after);
      const readback = output.readback();
      outputs.set(name, () => readback.get());
      return output;
    };
  }
  return outputs;
}

/** Relative to float64. */
type Errors = readonly [ours: number, torch: number];

/** What one step on some pictures shows. */
interface Measured {
  readonly names: readonly string[];
  readonly draws: number;
  /** Draws after those of the weights that are torch's, of two. */
  readonly sameNext: number;
  readonly logits: readonly Errors[];
  readonly loss: readonly Errors[];
  readonly gradients: readonly Errors[];
  readonly statistics: readonly Errors[];
}

function measure(context: Context, net: Net, inputs: Map<string, TensorData>, next: Float32Array): Measured {
  const { tensors, metadata } = runPython(context, 'backbone.py', inputs, [net.name]);
  const values = (name: string) => tensors.get(name)!.data;
  const pairs = (name: string): Errors[] =>
    Array.from({ length: values(name).length / 2 }, (_, i) => [values(name)[2 * i]!, values(name)[2 * i + 1]!]);
  const [flips64, flips32] = values('flips');
  console.log(
    `  ${net.name}: ${values('same')[0]} of ${values('same')[1]} entries have torch’s bits; ${flips64} activations lie on the ` +
      `other side of a kink in float64, ${flips32} in PyTorch’s float32`,
  );
  return {
    names: metadata.names!.split('\n'),
    draws: values('draws')[0]!,
    sameNext: next.filter((value, i) => value === values('next')[i]).length,
    ...{ logits: pairs('eval'), loss: pairs('loss'), gradients: pairs('grads'), statistics: pairs('states') },
  };
}

function outcomesOf(what: string, name: string, measured: readonly Measured[]): Outcome[] {
  const [{ draws, sameNext, names }] = measured as [Measured];
  const over = (kind: 'logits' | 'loss' | 'gradients' | 'statistics') => overSteps(measured.map((one) => one[kind]));
  const gradients = over('gradients');
  const [median, torchMedian] = ([0, 1] as const).map((at) => medianOf(gradients.map((pair) => pair[at])));
  const medians = `median ${scientific(median!)} to PyTorch’s ${scientific(torchMedian!)}`;
  const statistics = over('statistics');
  return [
    atMost(`${what}: drawn weights, largest difference from torch’s over their deviation`, draws, 1e-5, scientific),
    all(`${name}: draws after them that are torch’s`, sameNext, 2),
    within(`${name}: logits in evaluation`, [], over('logits')),
    within(`${name}: loss`, [], over('loss')),
    within(`${name}: ${gradients.length} gradients over ${measured.length} steps, ${medians}`, names, gradients),
    ...(statistics.length > 0 ? [within(`${name}: running statistics`, [], statistics)] : []),
  ];
}

/** Root mean squares: one step is not enough for a gradient of few values. */
function overSteps(steps: readonly (readonly Errors[])[]): Errors[] {
  const over = (values: readonly number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
  return steps[0]!.map((_, i) => [over(steps.map((rows) => rows[i]![0])), over(steps.map((rows) => rows[i]![1]))]);
}

/** Holds if each error is below the floor or at most so many times that of PyTorch's float32. */
function within(what: string, names: readonly string[], pairs: readonly Errors[]): Outcome {
  const isGood = ([ours, torch]: Errors) => ours <= BAR.floor || ours <= BAR.ratio * torch;
  for (const [i, pair] of pairs.entries()) {
    if (!isGood(pair)) console.log(`    ${names[i] ?? i}: ${scientific(pair[0])}, PyTorch’s ${scientific(pair[1])}`);
  }
  const at = pairs.reduce((worst, pair, i) => (pair[0] > pairs[worst]![0] ? i : worst), 0);
  const [ours, torch] = pairs[at]!;
  return {
    what: `${what}, worst error against float64${names.length > 1 ? ` (${names[at]})` : ''}`,
    figure: `${scientific(ours)}, PyTorch’s float32 ${scientific(torch)}`,
    bar: `each at most ${scientific(BAR.floor)}, or ${BAR.ratio} times PyTorch’s`,
    holds: pairs.every(isGood),
  };
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

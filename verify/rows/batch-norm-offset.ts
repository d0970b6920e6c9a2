/** Batch norm of channels far from 0 and of constant channels, with every variant of its kernels, against PyTorch. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backward, batchNorm2d, noGrad, scope, sizeOf, Tensor } from '../../src/autograd/index.ts';
import { conv2dBatchNorm2d } from '../../src/autograd/ops/conv2d-batch-norm2d.ts';
import { Generator } from '../../src/data/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import type { AdapterTraits, Gpu } from '../../src/gpu/gpu.ts';
import type { TensorData } from '../../src/weights/index.ts';
import { atMost, type Context, type Outcome, type Row, times } from '../row.ts';
import { runPython } from '../tensors.ts';

/** The limit of our error, as a multiple of PyTorch's float32 error against float64. */
const BAR = 4;
/** Half of a float32's last digit: float32 cannot represent a result that is nearer to the truth. */
const HALF_ULP = 2 ** -24;

/** Mean and deviation of a channel's values. At 10,000 the step of float32 is a thousandth. */
const LEVELS = [
  [0, 1],
  [50, 1],
  [-50, 1],
  [1e4, 1],
  [-1e4, 1],
  [1e4, 0.01],
  [-50, 1e-4],
  [0.1, 0],
  [-50.1, 0],
  [1e4 / 3, 0],
] as const;
const FAR = LEVELS.slice(3);

interface Options {
  readonly training: boolean;
  readonly relu: boolean;
  readonly residual: boolean;
  /** A convolution before it, in evaluation mode without gradients, where the two are one kernel. */
  readonly convolution: boolean;
}

const PLAIN: Options = { training: true, relu: false, residual: false, convolution: false };
const TRAINING = [
  PLAIN,
  { ...PLAIN, relu: true },
  { ...PLAIN, residual: true },
  { ...PLAIN, relu: true, residual: true },
];
const EVAL = TRAINING.map((options) => ({ ...options, training: false }));
const FUSED = [EVAL[0]!, EVAL[3]!].map((options) => ({ ...options, convolution: true }));

type Shape = readonly [batch: number, channels: number, height: number, width: number];

/**
 * Everything in training also runs with large planes, everything else with small ones. There are several channels,
 * because PyTorch's error of a single channel may be 0 by chance.
 */
const SHAPES: readonly (readonly [Shape, readonly Options[], levels?: typeof FAR])[] = [
  [[2, 64, 1, 1], TRAINING.concat(EVAL)],
  [[32, 64, 1, 1], TRAINING.slice(0, 2)],
  [[1, 64, 3, 5], TRAINING.concat(EVAL, FUSED)],
  [[5, 64, 3, 5], TRAINING.slice(2)],
  [[1, 64, 7, 7], TRAINING.slice(1, 3)],
  [[32, 16, 7, 7], TRAINING.concat(EVAL.slice(1))],
  [[2, 16, 12, 12], TRAINING.concat(EVAL.slice(0, 3), FUSED)],
  [[1, 16, 56, 56], TRAINING.slice(0, 2)],
  [[4, 8, 56, 56], TRAINING.slice(3)],
  [[2, 8, 112, 112], TRAINING.slice(0, 1)],
  [[32, 8, 56, 56], TRAINING.slice(1, 2), LEVELS.slice(0, 1)],
  [[32, 2, 112, 112], TRAINING.slice(1, 2), FAR],
];

/** Traits that select every variant of the reductions. */
const VARIANTS: Readonly<Record<string, Partial<AdapterTraits>>> = {
  'for CPUs': { kind: 'cpu' },
  'for CPUs without subgroups': { kind: 'cpu', subgroupSize: 0 },
  'for GPUs': { kind: 'gpu' },
  'for GPUs without subgroups': { kind: 'gpu', subgroupSize: 0 },
};

export const batchNormOffset: Row = {
  name: 'batch-norm-offset',
  title: 'batch norm of channels up to 10,000 from 0 and of constant ones, with all its kernels, against PyTorch',
  minutes: 1,
  ci: true,
  run: compare,
};

type Arrays = Readonly<Record<string, Float32Array<ArrayBuffer>>>;

interface Case extends Options {
  readonly shape: Shape;
  readonly mean: number;
  readonly deviation: number;
  /** Cases with the same index have the same inputs. */
  readonly data: number;
}

async function compare(context: Context): Promise<Outcome[]> {
  const cases: Case[] = [];
  const inputs: Arrays[] = [];
  const tensors = new Map<string, TensorData>();
  for (const [i, [shape, options, levels = LEVELS]] of SHAPES.entries()) {
    for (const [j, [mean, deviation]] of levels.entries()) {
      const data = inputs.length;
      cases.push(...options.map((one) => ({ ...one, shape, mean, deviation, data })));
      inputs.push(draw(shape, mean, deviation, (i + j) % 2 === 0, new Generator(data)));
      put(tensors, `${data}`, inputs[data]!, shape);
    }
  }
  for (const [device, traits] of Object.values(VARIANTS).entries()) {
    const gpu = await openGpu();
    Object.assign(gpu, { traits: { ...gpu.traits, ...traits } });
    for (const [i, one] of cases.entries()) {
      put(tensors, `case${i}.device${device}`, await ours(gpu, one, inputs[one.data]!), one.shape);
    }
    gpu.close();
  }
  const file = join(context.scratch, 'cases.json');
  writeFileSync(file, JSON.stringify(cases));
  return outcomes(cases, runPython(context, 'batch_norm_offset.py', tensors, [file]).tensors);
}

function put(tensors: Map<string, TensorData>, prefix: string, arrays: Arrays, shape: Shape): void {
  const [, channels] = shape;
  for (const [name, data] of Object.entries(arrays)) {
    const whole = /^(input|output|residual)/.test(name);
    const own = whole ? shape : name === 'kernel' ? [channels, channels, 1, 1] : [channels];
    tensors.set(`${prefix}.${name}`, { shape: own, data });
  }
}

/** Inputs of a case. Running statistics are those of a new layer if `fresh`, else near the batch's. */
function draw(shape: Shape, mean: number, deviation: number, fresh: boolean, random: Generator): Arrays {
  const [size, channels] = [sizeOf(shape), shape[1]];
  const normal = (count: number, center = 0, scale = 1) =>
    random.fillNormal(new Float32Array(count), center, scale) as Float32Array<ArrayBuffer>;
  const uniform = (scale: number) => Float32Array.from({ length: channels }, () => scale * random.uniform(0.5, 1.5));
  const drawn = {
    input: normal(size, mean, deviation),
    weight: uniform(1),
    bias: normal(channels),
    residual: normal(size),
    runningMean: fresh ? new Float32Array(channels) : normal(channels, mean, deviation || 1),
    runningVar: fresh ? new Float32Array(channels).fill(1) : uniform((deviation || 1) ** 2),
    kernel: exactKernel(channels),
  };
  return { ...drawn, outputGrad: awayFromKinks(shape, drawn, normal(size)) };
}

/** Weights that double the next channel: the sums are exact, so any difference is batch norm's. */
function exactKernel(channels: number): Float32Array<ArrayBuffer> {
  const kernel = new Float32Array(channels * channels);
  for (let c = 0; c < channels; c++) kernel[c * channels + ((c + 1) % channels)] = 2;
  return kernel;
}

/** Sets gradients to 0 where a ReLU's input may be 0 to within rounding: there chance decides its sign. */
function awayFromKinks(shape: Shape, drawn: Arrays, outputGrad: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const [batch, channels, height, width] = shape;
  const { input, weight, bias, residual, runningMean, runningVar } = drawn as Record<string, Float32Array>;
  const plane = height * width;
  for (let c = 0; c < channels; c++) {
    const places = Array.from({ length: batch * plane }, (_, i) => {
      const n = Math.floor(i / plane);
      return (n * channels + c) * plane + (i % plane);
    });
    const mean = places.reduce((sum, i) => sum + input![i]!, 0) / places.length;
    const variance = places.reduce((sum, i) => sum + (input![i]! - mean) ** 2, 0) / places.length;
    const [ownMean, ownVariance, shift] = [runningMean![c]!, runningVar![c]!, bias![c]!];
    for (const [center, spread] of [
      [mean, variance],
      [ownMean, ownVariance],
    ] as const) {
      const scale = weight![c]! / Math.sqrt(spread + 1e-5);
      for (const i of places) {
        const value = (input![i]! - center) * scale + shift;
        // PyTorch calculates input * scale + (bias - mean * scale), which rounds values of this size.
        const largest = scale * (Math.abs(input![i]!) + Math.abs(center)) + Math.abs(shift) + 1;
        const nearest = Math.min(Math.abs(value), Math.abs(value + residual![i]!));
        if (nearest < 4 * HALF_ULP * largest) outputGrad[i] = 0;
      }
    }
  }
  return outputGrad;
}

/** The results of a device for a case, by the names in the script. */
async function ours(gpu: Gpu, one: Case, arrays: Arrays): Promise<Arrays> {
  const { shape, training, relu } = one;
  const made: Tensor[] = [];
  const tensor = (name: string, own: readonly number[]) => {
    made.push(Tensor.from(gpu, arrays[name]!, own));
    return made.at(-1)!;
  };
  const [input, outputGrad] = [tensor('input', shape), tensor('outputGrad', shape)];
  const residual = one.residual ? tensor('residual', shape) : undefined;
  const channels = [shape[1]];
  const [weight, bias] = [tensor('weight', channels), tensor('bias', channels)];
  const [runningMean, runningVar] = [tensor('runningMean', channels), tensor('runningVar', channels)];
  const options = { training, relu, residual };
  let found: Record<string, Tensor | undefined>;
  if (one.convolution) {
    const kernel = tensor('kernel', [shape[1], shape[1], 1, 1]);
    const norm = { weight, bias, runningMean, runningVar };
    found = { output: scope(() => noGrad(() => conv2dBatchNorm2d(input, kernel, norm, options))) };
  } else {
    for (const leaf of [input, weight, bias]) leaf.requiresGrad = true;
    const output = scope(() => batchNorm2d(input, weight, bias, runningMean, runningVar, options));
    backward(output, outputGrad);
    const grads = { inputGrad: input.grad, weightGrad: weight.grad, biasGrad: bias.grad };
    found = { output, ...grads, ...(training && { runningMean, runningVar }) };
  }
  const entries = Object.entries(found).map(async ([name, value]) => [name, await value!.data()] as const);
  const result = Object.fromEntries(await Promise.all(entries));
  for (const one of [...made, found.output!]) one.dispose();
  return result;
}

/** One outcome per result, for the worst of all cases and variants. Prints those beyond the bar. */
function outcomes(cases: readonly Case[], errors: Map<string, TensorData>): Outcome[] {
  const variants = Object.keys(VARIANTS);
  const worst = new Map<string, { readonly ratio: number; readonly text: string }>();
  for (const [i, one] of cases.entries()) {
    for (const name of ['output', 'runningMean', 'runningVar', 'inputGrad', 'weightGrad', 'biasGrad']) {
      const found = errors.get(`case${i}.${name}`)?.data;
      if (!found) continue;
      // With one value per channel the largest error is chance.
      const sizes = name === 'output' || name === 'inputGrad' ? ['root mean square', 'largest'] : ['root mean square'];
      for (const [j, size] of sizes.entries()) {
        const [truth = 0, torch = 0, ...devices] = found.subarray((j * found.length) / 2);
        for (const [device, variant] of variants.entries()) {
          const error = devices[device]!;
          // NaN counts as an infinite error.
          const ratio = error <= HALF_ULP * truth ? 0 : error >= 0 ? error / torch : Number.POSITIVE_INFINITY;
          const text = `${titleOf(one)}, kernels ${variant}: ${size} error ${error.toExponential(2)} to PyTorch’s ${torch.toExponential(2)}`;
          if (ratio > BAR) console.log(`  ${name}: ${times(ratio)}: ${text}`);
          if (ratio > (worst.get(name)?.ratio ?? -1)) worst.set(name, { ratio, text });
        }
      }
    }
  }
  return [...worst].map(([name, { ratio, text }]) =>
    ratio === 0
      ? { what: name, figure: 'within half an ulp', bar: `at most ${times(BAR)} PyTorch’s error`, holds: true }
      : atMost(`${name}, worst of all (${text})`, ratio, BAR, times),
  );
}

function titleOf({ shape, mean, deviation, training, relu, residual, convolution }: Case): string {
  const ends = `${residual ? ', residual' : ''}${relu ? ', ReLU' : ''}`;
  const mode = training ? 'training' : convolution ? 'evaluation mode after a convolution' : 'evaluation mode';
  return `${shape.join('x')} at ${Number(mean.toPrecision(5))} ± ${deviation}, ${mode}${ends}`;
}

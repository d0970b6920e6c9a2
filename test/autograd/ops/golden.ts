/**
 * The golden cases of ops.*, conv2d.*, conv2d-groups.* and batch-norm-offset.* (written by make-golden*.py), and
 * running an op on a case. All ops are tested by the same loop. Two tables hold the differences: the call of each op
 * and its tolerance.
 */

import { readFileSync } from 'node:fs';
import {
  add,
  backward,
  batchNorm2d,
  type Conv2dOptions,
  conv2d,
  countCorrect,
  crossEntropy,
  flatten,
  globalAvgPool2d,
  linear,
  type MaxPoolOptions,
  maxPool2d,
  relu,
  reshape,
  scope,
  sizeOf,
  Tensor,
} from '../../../src/autograd/index.ts';
import { conv2dBatchNorm2d } from '../../../src/autograd/ops/conv2d-batch-norm2d.ts';
import type { Gpu } from '../../../src/gpu/gpu.ts';
import { sgdStep } from '../../../src/kernels/optim/sgd.ts';
import { EXACT, findDifference, type Tolerance } from '../../support/compare.ts';

interface Stored {
  readonly shape: number[];
  readonly values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
  readonly grad?: boolean;
}

export interface Case {
  readonly op: string;
  /** The point of the case, if options and shapes do not show it. */
  readonly name?: string;
  readonly options: Record<string, unknown>;
  /** The error of PyTorch's own float32 against the expected values: the largest |difference| / (1 + |value|). */
  readonly torch32: Record<string, number>;
  readonly inputs: Record<string, Stored>;
  readonly seed?: Stored;
  readonly expected: Record<string, Stored>;
}

/** The cases of every op but convolution. */
export const cases = load('ops');
export const conv2dCases = load('conv2d');
/** Batch norm of channels far from 0 and of constant channels, alone and after a convolution. */
export const offsetCases = load('batch-norm-offset');
/** Convolutions with groups and dilation. */
export const conv2dGroupCases = load('conv2d-groups');

/** Reads the cases of `test/golden/ops/NAME.json`. */
export function load(name: string): Case[] {
  const folder = new URL('../../golden/ops/', import.meta.url);
  const bytes = readFileSync(new URL(`${name}.bin`, folder));
  // In the JSON a tensor points into the file of values. Nothing else there has an offset.
  const fillIn = (_: string, value: { shape: number[]; offset?: number; dtype?: 'u32'; grad?: boolean }) => {
    if (typeof value?.offset !== 'number') return value;
    const { shape, offset, dtype, ...rest } = value;
    const part = new Uint8Array(bytes.subarray(offset * 4, (offset + sizeOf(shape)) * 4)).buffer;
    return { ...rest, shape, values: dtype === 'u32' ? new Uint32Array(part) : new Float32Array(part) };
  };
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'), fillIn) as Case[];
}

export type Inputs = Record<string, Tensor>;
export type Run = (inputs: Inputs, options: Record<string, unknown>) => Tensor;

/** Inputs have the type of f32 tensors, which labels are not. */
const asLabels = (labels: Tensor) => labels as unknown as Tensor<'u32'>;

/** How each op is called. */
export const RUNS: Record<string, Run> = {
  relu: ({ input }) => relu(input!),
  add: ({ a, b }) => add(a!, b!),
  batchNorm2d: ({ input, weight, bias, runningMean, runningVar, residual }, options) =>
    batchNorm2d(input!, weight!, bias!, runningMean!, runningVar!, {
      ...(options as unknown as { training: boolean }),
      residual,
    }),
  conv2dBatchNorm2d: ({ input, kernel, weight, bias, runningMean, runningVar, residual }, options) =>
    conv2dBatchNorm2d(
      input!,
      kernel!,
      { weight: weight!, bias: bias!, runningMean: runningMean!, runningVar: runningVar! },
      { ...(options as unknown as { training: boolean }), residual },
    ),
  maxPool2d: ({ input }, options) => maxPool2d(input!, options as unknown as MaxPoolOptions),
  globalAvgPool2d: ({ input }) => globalAvgPool2d(input!),
  flatten: ({ input }) => flatten(input!),
  reshape: ({ input }, { shape }) => reshape(input!, shape as number[]),
  linear: ({ input, weight, bias }) => linear(input!, weight!, bias),
  crossEntropy: ({ logits, labels }) => crossEntropy(logits!, asLabels(labels!)),
  countCorrect: ({ logits, labels }) => countCorrect(logits!, asLabels(labels!)) as unknown as Tensor,
  conv2d: ({ input, weight, bias }, options) => conv2d(input!, weight!, bias, options as Conv2dOptions),
};

/** The tolerance of each op. An ulp is 2⁻²³ ≈ 1.2e-7 of a value, and the values here are around 1. */
export const TOLERANCES: Record<string, Tolerance> = {
  // These ops choose and copy values.
  relu: EXACT,
  flatten: EXACT,
  reshape: EXACT,
  countCorrect: EXACT,
  // One addition, correctly rounded.
  add: { atol: 0, rtol: 6e-8 },
  // Forward copies. Backward adds at most 81 gradients of both signs, in torch's order.
  maxPool2d: { atol: 5e-7, rtol: 2e-7 },
  // A few operations on values around 1, with statistics that are right to about an ulp. See below for sums over a
  // channel.
  batchNorm2d: { atol: 2e-6, rtol: 2e-6 },
  // A mean of values around 1: a few roundings of the sum, divided by its length.
  globalAvgPool2d: { atol: 2e-7, rtol: 2e-7 },
  // Dot products of up to 512 terms of both signs. Torch's are off by 9.5e-7 · (1 + |value|).
  linear: { atol: 2e-6, rtol: 1e-6 },
  // WGSL allows exp 3 + 2|x| ulps and log an absolute 2⁻²¹, which is the largest part here.
  crossEntropy: { atol: 1e-6, rtol: 2e-6 },
};

/**
 * Gradients of batch norm's weight and bias are sums of n terms around 1 of both signs. A partial sum reaches about √n
 * and is rounded there, however small the result. (PyTorch sums them in double on a CPU; WGSL has no double.)
 */
function toleranceOf(one: Case, name: string, slack: number): Tolerance {
  const { op, inputs } = one;
  if (op === 'conv2d') return conv2dTolerance(one, name, slack);
  if (offsetCases.includes(one)) return offsetTolerance(one, name);
  const tolerance = TOLERANCES[op]!;
  if (op !== 'batchNorm2d' || !/^(weight|bias)Grad$/.test(name)) return tolerance;
  const [batch, , height, width] = inputs.input!.shape as [number, number, number, number];
  return { ...tolerance, atol: Math.max(tolerance.atol, 1e-6 * Math.sqrt(batch * height * width)) };
}

/**
 * Four times PyTorch's own error, and an ulp of the value: half for rounding it, half for rounding the expected value.
 * So a value that is 0 in PyTorch must be 0. The bound is the tolerance near 0, times the largest value: PyTorch rounds
 * the mean, which costs digits far from 0, and batchNorm2d keeps those digits.
 */
function offsetTolerance({ torch32, expected }: Case, name: string): Tolerance {
  const { atol, rtol } = TOLERANCES.batchNorm2d!;
  const largest = (expected[name]!.values as Float32Array).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const allowed = 4 * torch32[name]!;
  return { atol: Math.min(allowed, atol * (1 + largest)), rtol: Math.min(allowed + 2 ** -23, rtol) };
}

/**
 * Every result of a convolution is a running sum of n terms of both signs: n roundings, each of up to 2⁻²⁴ of the sum
 * so far, which grows to the largest result. Roundings have both signs too, so they add up like √n. Twice that is
 * allowed, times `slack`.
 */
function conv2dTolerance({ inputs, options, seed, expected }: Case, name: string, slack: number): Tolerance {
  const [out, channels, kernelHeight, kernelWidth] = inputs.weight!.shape as [number, number, number, number];
  const taps = kernelHeight * kernelWidth;
  const { groups = 1 } = options as Conv2dOptions;
  const [batch, , height, width] = (seed ?? expected.output!).shape as [number, number, number, number];
  const terms = { output: channels * taps + 1, inputGrad: (out / groups) * taps }[name] ?? batch * height * width;
  const largest = (expected[name]!.values as Float32Array).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { atol: slack * 2 ** -23 * Math.sqrt(terms) * largest, rtol: 0 };
}

/**
 * Slack for Winograd's convolution. Over all values, its error is about twice that of a plain sum. In a sum of few
 * terms, most of the error comes from the transforms, which round terms several times as large as the result.
 */
export const WINOGRAD_SLACK = 8;

/** Title of a case: the op, its name or options, and the shape of its first input. */
export function titleOf({ op, name, options, inputs }: Case): string {
  const shape = Object.values(inputs)[0]!.shape.join('x');
  const text = Object.keys(options).length > 0 ? JSON.stringify(options).replaceAll('"', '') : '';
  return `${[op, name ?? text].join(' ').trimEnd()} of ${shape || 'one value'}`;
}

/**
 * Runs a case forward and backward. Returns the differences, one line each: none if the op is right. `slack` widens the
 * tolerance of convolutions.
 */
export function differences(gpu: Gpu, one: Case, run = RUNS[one.op]!, slack = 1): Promise<string[]> {
  return differencesWithin(gpu, one, run, (name) => toleranceOf(one, name, slack));
}

/** The same for any op: `run` calls it, and `tolerance` gives that of a result, such as `output` or `weightGrad`. */
export async function differencesWithin(
  gpu: Gpu,
  one: Case,
  run: Run,
  tolerance: (result: string) => Tolerance,
): Promise<string[]> {
  const inputs: Inputs = {};
  for (const [name, stored] of Object.entries(one.inputs)) {
    const input = Tensor.from(gpu, stored.values, stored.shape) as Tensor;
    input.requiresGrad = stored.grad === true;
    inputs[name] = input;
  }
  const seed = one.seed && (Tensor.from(gpu, one.seed.values, one.seed.shape) as Tensor);
  poisonPool(gpu, Object.values(one.expected));
  const output = scope(() => run(inputs, one.options));
  if (seed) {
    backward(output, seed);
    seed.dispose();
  }

  const found: string[] = [];
  for (const [name, stored] of Object.entries(one.expected)) {
    const tensor = tensorNamed(name, inputs, output);
    if (!tensor) found.push(`${name} is missing`);
    else if (tensor.shape.join() !== stored.shape.join()) found.push(`${name} has shape [${tensor.shape}]`);
    else {
      const difference = findDifference(await tensor.data(), stored.values, tolerance(name));
      if (difference) found.push(`${name} ${difference}`);
    }
  }
  for (const tensor of [output, ...Object.values(inputs)]) tensor.dispose();
  return found;
}

/** Fills the memory that results will get with NaN, so that an unwritten element is seen. */
function poisonPool(gpu: Gpu, results: Stored[]): void {
  const poison = results.map(({ shape }) => Tensor.from(gpu, new Float32Array(sizeOf(shape)).fill(Number.NaN), shape));
  for (const tensor of poison) tensor.dispose();
  gpu.flush();
}

/** Finds a result by its name, such as `output`, `weightGrad` or `runningMeanAfter`. */
function tensorNamed(name: string, inputs: Inputs, output: Tensor): Tensor | undefined {
  if (name === 'output') return output;
  if (name.endsWith('Grad')) return inputs[name.slice(0, -4)]?.grad;
  return inputs[name.slice(0, -'After'.length)];
}

/** Runs the case's three steps of SGD. Returns the differences from torch.optim.SGD's float32 after each step. */
export async function sgdDifferences(gpu: Gpu, one: Case): Promise<string[]> {
  const options = one.options as { lr: number; momentum: number; dampening: number; weightDecay: number };
  const { shape } = one.inputs.param!;
  const param = Tensor.from(gpu, one.inputs.param!.values, shape);
  const { size } = param;
  // NaN, because the first step must not read it.
  const buffer = Tensor.from(gpu, new Float32Array(size).fill(Number.NaN), shape);
  const found: string[] = [];
  for (let step = 0; step < 3; step++) {
    const grad = Tensor.from(gpu, one.inputs[`grad${step}`]!.values, shape);
    const settings = { ...options, nesterov: one.options.nesterov === true, first: step === 0 };
    const momentumBuffer = options.momentum === 0 ? undefined : buffer.buffer;
    sgdStep(gpu, size, settings, param.buffer, grad.buffer, momentumBuffer);
    grad.dispose();
    // Three steps of at most five operations. A device may fuse a multiplication and an addition that PyTorch rounds
    // apart.
    const tolerance = { atol: 3e-7, rtol: 3e-7 };
    const difference = findDifference(await param.data(), one.expected[`param${step}`]!.values, tolerance);
    if (difference) found.push(`param after step ${step} ${difference}`);
  }
  param.dispose();
  buffer.dispose();
  return found;
}

/**
 * conv2d, then batchNorm2d, a residual and ReLU or another activation. With the running statistics and no gradient required, they take one
 * pass over memory instead of two: the convolution normalises its output. The values are the same.
 */
import type { PooledBuffer } from '../../gpu/pool.ts';
import { type FusedActivation, type Normalisation, normalisationTable } from '../../kernels/conv2d/normalised.ts';
import { expectShape } from '../errors.ts';
import { wouldRecord } from '../graph.ts';
import { scope } from '../scope.ts';
import type { Storage } from '../storage.ts';
import { storesHalf } from '../storage-type.ts';
import { Tensor } from '../tensor.ts';
import { isTracing } from '../tracing.ts';
import { type BatchNormOptions, batchNorm2d, batchNormOptions } from './batch-norm2d.ts';
import { type Conv2dOptions, conv2d, conv2dForward, conv2dShape, outputShape } from './conv2d.ts';
import { hardswish, relu6, silu } from './elementwise.ts';

/** The activations beside ReLU that this op can apply. */
export const ACTIVATIONS: Readonly<Record<FusedActivation, (input: Tensor) => Tensor>> = { relu6, hardswish, silu };
const NAMES: ReadonlyMap<unknown, FusedActivation> = new Map(
  Object.entries(ACTIVATIONS).map(([name, op]) => [op, name as FusedActivation]),
);

/** The name of an activation that this op can apply, if it is one. */
export function fusedActivation(op: unknown): FusedActivation | undefined {
  return NAMES.get(op);
}

/** Parameters and running statistics of a batch norm, [C] each. */
export interface BatchNormTensors {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
}

/**
 * Input [N, I, H, W], weight [O, I / groups, KH, KW]; the rest as in conv2d without bias and in batchNorm2d. `activation` comes last.
 * Throws the same errors.
 */
export function conv2dBatchNorm2d(
  input: Tensor,
  weight: Tensor,
  norm: BatchNormTensors,
  {
    stride = 1,
    padding = 0,
    dilation = 1,
    groups = 1,
    activation,
    ...after
  }: BatchNormOptions & Conv2dOptions & { readonly activation?: FusedActivation | undefined },
): Tensor {
  const settings = batchNormOptions(after);
  const { training, eps, residual, relu } = settings;
  const options = { stride, padding, dilation, groups };
  const tensors = [input, weight, norm.weight, norm.bias, ...(residual ? [residual] : [])];
  // Who traces ops knows these two.
  if (training || isTracing() || wouldRecord(tensors)) {
    const { weight: scale, bias, runningMean, runningVar } = norm;
    return scope(() => {
      const convolved = conv2d(input, weight, undefined, options);
      const normalised = batchNorm2d(convolved, scale, bias, runningMean, runningVar, settings);
      return activation ? ACTIVATIONS[activation](normalised) : normalised;
    });
  }
  const shape = conv2dShape(input, weight, undefined, options);
  for (const name of ['weight', 'bias', 'runningMean', 'runningVar'] as const) {
    expectShape('batchNorm2d', name, norm[name], [outputShape(shape)[1]]);
  }
  const { weight: scale, bias, runningMean, runningVar } = norm;
  storesHalf('batchNorm2d', { input, residual }, { weight: scale, bias, runningMean, runningVar });
  const output = Tensor.empty(input.gpu, outputShape(shape), input.dtype);
  if (residual) expectShape('batchNorm2d', 'residual', residual, output.shape);
  const normalisation: Normalisation = { table: tableOf(norm, eps), residual: residual?.buffer, relu, activation };
  conv2dForward(shape, input, weight, output, normalisation);
  return output;
}

interface Table {
  readonly buffer: PooledBuffer;
  /** The storages it was computed from, and their versions. */
  made: { readonly from: readonly Storage[]; readonly versions: readonly number[]; readonly eps: number };
}

/** Keyed by the storage of the running variance. */
const tables = new WeakMap<Storage, Table>();

/** The table of a batch norm, recomputed only when one of its sources has changed. */
function tableOf({ weight, bias, runningMean, runningVar }: BatchNormTensors, eps: number): PooledBuffer {
  const { gpu, storage } = runningVar;
  const from = [weight, bias, runningMean, runningVar].map((tensor) => tensor.storage);
  const versions = from.map(({ version }) => version);
  const known = tables.get(storage);
  const same = (made: Table['made']) =>
    made.eps === eps && from.every((one, i) => one === made.from[i] && versions[i] === made.versions[i]);
  if (known && same(known.made)) return known.buffer;
  const buffer = known?.buffer ?? gpu.pool.acquire(runningVar.size * 16);
  if (!known) storage.onFree(() => gpu.pool.release(buffer));
  normalisationTable(gpu, runningVar.size, eps, {
    runningMean: runningMean.buffer,
    runningVar: runningVar.buffer,
    weight: weight.buffer,
    bias: bias.buffer,
    table: buffer,
  });
  tables.set(storage, { buffer, made: { from, versions, eps } });
  return buffer;
}

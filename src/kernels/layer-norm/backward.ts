/** Layer norm and group norm backward: the gradients of input, weight and bias. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { defineKernel, launch } from '../kernel.ts';
import {
  columnSums,
  elementwise,
  elementwiseExample,
  type NormSize,
  normRows,
  planeRows,
  type Rows,
  reduction,
  stripRows,
} from './shape.ts';

type Buffers<Name extends string> = Readonly<Record<Name, PooledBuffer>>;

/** What the sums of backward are taken of: values of tensors, or sums of planes. */
type Terms = Buffers<'input' | 'outputGrad' | 'statistics'> | Buffers<'terms'>;

const ofTensors = { input: 'read', outputGrad: 'read', statistics: 'read' } as const;
const ofTable = { terms: 'read' } as const;

const sumsUniforms = { rows: 'u32', length: 'u32', share: 'u32', period: 'u32', zero: 'u32' } as const;

function declareSums(table: boolean, weight: boolean) {
  return defineKernel<string, keyof typeof sumsUniforms>({
    name: `layer_norm_sums${table ? '_of_table' : ''}${weight ? '_weight' : ''}`,
    shader: 'layer-norm/sums.wgsl',
    bindings: { ...(table ? ofTable : ofTensors), ...(weight && { weight: 'read' }), sums: 'read_write' },
    uniforms: sumsUniforms,
    example: {
      ...{ table, weight, shared: true, periodic: true },
      ...{ single: false, workgroup: 64, run: 8, subgroup: 0, vector: true },
    },
  });
}

const sums = {
  tensors: { plain: declareSums(false, false), weight: declareSums(false, true) },
  table: { plain: declareSums(true, false), weight: declareSums(true, true) },
};

/** Writes to `target` [2, rows] each row's sum of outputGrad, and of outputGrad times the normalised input. */
function sumRows(gpu: Gpu, rows: Rows, terms: Terms, target: PooledBuffer, weight?: PooledBuffer): void {
  const { uniforms, constants, ...rest } = reduction(gpu, rows);
  const table = 'terms' in terms;
  launch(gpu, sums[table ? 'table' : 'tensors'][weight ? 'weight' : 'plain'], {
    ...rest,
    buffers: { ...terms, sums: target, ...(weight && { weight }) },
    uniforms: { ...uniforms, zero: 0 },
    constants: {
      ...constants,
      ...{ table, weight: weight !== undefined, shared: rows.share > 1, periodic: rows.period > 1 },
    },
  });
}

const inputUniforms = {
  rows: 'u32',
  length: 'u32',
  share: 'u32',
  period: 'u32',
  part: 'u32',
  count: 'f32',
} as const;

function declareInput(weight: boolean) {
  return defineKernel<string, keyof typeof inputUniforms>({
    name: `layer_norm_backward_input${weight ? '_weight' : ''}`,
    shader: 'layer-norm/backward-input.wgsl',
    bindings: { ...ofTensors, sums: 'read', ...(weight && { weight: 'read' }), inputGrad: 'read_write' },
    uniforms: inputUniforms,
    example: { ...elementwiseExample, weight },
  });
}

const backwardInput = { plain: declareInput(false), weight: declareInput(true) };

const columnUniforms = { rows: 'u32', columns: 'u32', share: 'u32', slice: 'u32' } as const;

function declareColumns(table: boolean, last: boolean) {
  return defineKernel<string, keyof typeof columnUniforms>({
    name: `layer_norm_column_sums${table ? '_of_table' : ''}${last ? '' : '_partial'}`,
    shader: 'layer-norm/column-sums.wgsl',
    bindings: {
      ...(table ? ofTable : ofTensors),
      ...(last ? { weightGrad: 'read_write', biasGrad: 'read_write' } : { partial: 'read_write' }),
    },
    uniforms: columnUniforms,
    example: { table, last, vector: true, lanesX: 16, lanesY: 16 },
  });
}

const columns = {
  tensors: { last: declareColumns(false, true), partial: declareColumns(false, false) },
  table: { last: declareColumns(true, true), partial: declareColumns(true, false) },
};

/** Writes weightGrad and biasGrad [channels]: sums of the terms over the batch, in slices if it is large. */
function sumColumns(
  gpu: Gpu,
  size: Pick<NormSize, 'batch' | 'channels' | 'groups'>,
  terms: Terms,
  grads: Buffers<'weightGrad' | 'biasGrad'>,
): void {
  const table = 'terms' in terms;
  const { slices, constants, ...rest } = columnSums(gpu, size, table);
  const last = slices === 1;
  const partial = last ? undefined : gpu.pool.acquire(2 * slices * size.channels * 4);
  launch(gpu, columns[table ? 'table' : 'tensors'][last ? 'last' : 'partial'], {
    ...rest,
    buffers: { ...terms, ...(partial ? { partial } : grads) },
    constants: { ...constants, table, last },
  });
  if (!partial) return;
  sumColumns(gpu, { ...size, batch: slices }, { terms: partial }, grads);
  gpu.pool.release(partial);
}

/** Writes the gradients that have a buffer. Those of weight and bias are both written if either has one. */
export function layerNormBackward(
  gpu: Gpu,
  size: NormSize,
  values: Buffers<'input' | 'outputGrad' | 'statistics'>,
  weight: PooledBuffer | undefined,
  {
    inputGrad,
    parameters,
  }: {
    readonly inputGrad?: PooledBuffer | undefined;
    readonly parameters?: Buffers<'weightGrad' | 'biasGrad'> | undefined;
  },
): void {
  const { batch, channels, plane, groups } = size;
  // All values of a plane have the same weight, so the sums over planes serve every gradient.
  const table = plane > 1 ? gpu.pool.acquire(2 * batch * channels * 4) : undefined;
  if (table) sumRows(gpu, planeRows(size), values, table);
  const terms = table ? { terms: table } : values;
  if (parameters) sumColumns(gpu, size, terms, parameters);
  if (inputGrad) {
    const target = gpu.pool.acquire(2 * batch * groups * 4);
    sumRows(gpu, { ...normRows(size), length: channels / groups }, terms, target, weight);
    const { uniforms, constants, ...rest } = elementwise(gpu, stripRows(size));
    launch(gpu, backwardInput[weight ? 'weight' : 'plain'], {
      ...rest,
      buffers: { ...values, sums: target, inputGrad, ...(weight && { weight }) },
      uniforms: { ...uniforms, count: (channels / groups) * plane },
      constants: { ...constants, byValue: plane === 1, weight: weight !== undefined },
    });
    gpu.pool.release(target);
  }
  if (table) gpu.pool.release(table);
}

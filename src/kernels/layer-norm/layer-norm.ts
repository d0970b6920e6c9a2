/** Layer norm and group norm forward: statistics of rows, and normalising. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { defineKernel, launch } from '../kernel.ts';
import { elementwise, elementwiseExample, type NormSize, normRows, reduction, stripRows } from './shape.ts';

type Buffers<Name extends string> = Readonly<Record<Name, PooledBuffer>>;

const statistics = defineKernel({
  name: 'layer_norm_statistics',
  shader: 'layer-norm/statistics.wgsl',
  bindings: { input: 'read', statistics: 'read_write' },
  uniforms: { rows: 'u32', length: 'u32', zero: 'u32', eps: 'f32' },
  example: { single: false, workgroup: 64, run: 8, subgroup: 0, vector: true },
});

/** Computes four values per group: mean, 1 / deviation, what corrects the mean's rounding error, and 0. */
export function layerNormStatistics(
  gpu: Gpu,
  size: NormSize,
  eps: number,
  buffers: Buffers<'input' | 'statistics'>,
): void {
  const { uniforms, ...rest } = reduction(gpu, normRows(size));
  const { rows, length } = uniforms;
  launch(gpu, statistics, { ...rest, buffers, uniforms: { rows, length, zero: 0, eps } });
}

const forwardUniforms = { rows: 'u32', length: 'u32', share: 'u32', period: 'u32', part: 'u32' } as const;

function declareForward(weight: boolean, bias: boolean) {
  return defineKernel<string, keyof typeof forwardUniforms>({
    name: `layer_norm_forward${weight ? '_weight' : ''}${bias ? '_bias' : ''}`,
    shader: 'layer-norm/forward.wgsl',
    bindings: {
      input: 'read',
      statistics: 'read',
      ...(weight && { weight: 'read' }),
      ...(bias && { bias: 'read' }),
      output: 'read_write',
    },
    uniforms: forwardUniforms,
    example: { ...elementwiseExample, weight, bias },
  });
}

const forward = {
  plain: declareForward(false, false),
  weight: declareForward(true, false),
  bias: declareForward(false, true),
  both: declareForward(true, true),
};

/** output = (input − mean) / deviation · weight + bias, where weight and bias are optional. */
export function layerNormForward(
  gpu: Gpu,
  size: NormSize,
  buffers: Buffers<'input' | 'statistics' | 'output'>,
  weight?: PooledBuffer,
  bias?: PooledBuffer,
): void {
  const { constants, ...rest } = elementwise(gpu, stripRows(size));
  launch(gpu, forward[weight ? (bias ? 'both' : 'weight') : bias ? 'bias' : 'plain'], {
    ...rest,
    buffers: { ...buffers, ...(weight && { weight }), ...(bias && { bias }) },
    constants: {
      ...constants,
      byValue: size.plane === 1,
      weight: weight !== undefined,
      bias: bias !== undefined,
    },
  });
}

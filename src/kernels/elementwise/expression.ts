/** Kernels that compute one WGSL expression of broadcast operands, elementwise. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { elementwiseGroup, linearGrid } from '../grid.ts';
import { defineKernel, type InlineKernel, launch, type Scalar } from '../kernel.ts';
import { renderShader } from '../source.ts';
import { broadcastStrides, shortestWalk } from '../strides.ts';

/** An expression and the names in it. */
export interface Expression {
  /** Name in timings and errors. */
  readonly name: string;
  readonly operands: readonly Operand[];
  /** Names of f32 values that are numbers in every launch. */
  readonly parameters: readonly string[];
  /** WGSL of type f32; of type bool for u32 results, which are 0 or 1. */
  readonly wgsl: string;
  readonly result: 'f32' | 'u32';
}

/** An operand and its element type. */
export interface Operand {
  readonly name: string;
  readonly type: 'f32' | 'u32';
}

/** The value of an operand: a contiguous tensor that is broadcast to the result, or one number. */
export type OperandValue = { readonly buffer: PooledBuffer; readonly shape: readonly number[] } | number;

/**
 * How an operand moves along the last dimension: to the next element with `each`, not at all with `one`. A `number` is a
 * uniform.
 */
type Mode = 'each' | 'one' | 'number';

/** What a shader depends on, apart from the expression. */
export interface Layout {
  readonly modes: readonly Mode[];
  readonly rank: number;
  readonly vector: boolean;
  readonly workgroup: number;
  readonly items: number;
}

/** Makes the function that runs an expression. It writes all of `output`, which has the given shape and values. */
export function defineExpression(expression: Expression) {
  const kernels = new Map<string, InlineKernel>();
  return (
    gpu: Gpu,
    shape: readonly number[],
    values: readonly OperandValue[],
    parameters: readonly number[],
    output: PooledBuffer,
  ): void => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    if (size === 0) return;
    const tensors = values.filter((value) => typeof value !== 'number');
    const strides = tensors.map((tensor) => broadcastStrides(tensor.shape, shape));
    const walk = shortestWalk({ extents: shape, strides });
    const last = walk.extents.length - 1;
    const vector = walk.extents[last]! % 4 === 0;
    const width = vector ? 4 : 1;
    const moves = walk.strides.map((own) => own[last] === 1);
    const layout: Layout = {
      modes: values.map((value) => {
        if (typeof value === 'number') return 'number';
        return moves[tensors.indexOf(value)] ? 'each' : 'one';
      }),
      rank: walk.extents.length,
      vector,
      ...elementwiseGroup(gpu.traits.kind, vector),
    };
    const key = JSON.stringify(layout);
    let kernel = kernels.get(key);
    if (!kernel) {
      kernel = expressionKernel(expression, layout);
      kernels.set(key, kernel);
    }
    const names = expression.operands.filter((_, i) => typeof values[i] !== 'number').map(({ name }) => name);
    const uniforms: Record<string, number> = { count: size / width };
    // The way from one result of an invocation to its next, as a number with these extents as the bases of its digits.
    let way = layout.workgroup;
    for (let axis = last; axis >= 1; axis--) {
      const extent = walk.extents[axis]! / (axis === last ? width : 1);
      uniforms[`extent${axis}`] = extent;
      uniforms[`step${axis}`] = way % extent;
      way = Math.floor(way / extent);
    }
    if (last > 0) uniforms.step0 = way;
    for (let axis = 0; axis < last; axis++) {
      names.forEach((name, i) => {
        uniforms[`${name}Stride${axis}`] = walk.strides[i]![axis]! / (moves[i] ? width : 1);
      });
    }
    expression.operands.forEach(({ name }, i) => {
      const value = values[i]!;
      if (typeof value === 'number') uniforms[`${name}Number`] = value;
    });
    expression.parameters.forEach((name, i) => {
      uniforms[`${name}Number`] = parameters[i]!;
    });
    launch(gpu, kernel, {
      buffers: Object.fromEntries([
        ...tensors.map(({ buffer }, i) => [`${names[i]}Values`, buffer] as const),
        ['_result', output] as const,
      ]),
      uniforms,
      workgroups: linearGrid(size / width, layout.workgroup * layout.items),
      label: `${size}`,
    });
  };
}

/** Declares the kernel of an expression for one layout. */
export function expressionKernel(
  { name, operands, parameters, wgsl, result }: Expression,
  layout: Layout,
): InlineKernel {
  const laid = operands.map((operand, i) => ({ ...operand, mode: layout.modes[i]! }));
  const tensors = laid.filter(({ mode }) => mode !== 'number');
  const uniforms: Record<string, Scalar> = { count: 'u32' };
  for (let axis = 0; axis < layout.rank - 1; axis++) {
    uniforms[`extent${axis + 1}`] = 'u32';
    uniforms[`step${axis + 1}`] = 'u32';
    for (const tensor of tensors) uniforms[`${tensor.name}Stride${axis}`] = 'u32';
  }
  if (layout.rank > 1) uniforms.step0 = 'u32';
  for (const one of laid) if (one.mode === 'number') uniforms[`${one.name}Number`] = 'f32';
  for (const parameter of parameters) uniforms[`${parameter}Number`] = 'f32';
  return defineKernel({
    name,
    bindings: Object.fromEntries([
      ...tensors.map((tensor) => [`${tensor.name}Values`, 'read'] as const),
      ['_result', 'read_write'] as const,
    ]),
    uniforms,
    wgsl: renderShader('elementwise/expression.wgsl', {
      ...layout,
      ...{ operands: laid, parameters, expression: wgsl, result },
    }),
  });
}

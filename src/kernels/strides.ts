/** How kernels walk tensors that are broadcast, transposed or cut: extents, and a stride per operand and dimension. */

/** Extents that several operands walk together, outermost first, and the strides of each, in elements. */
export interface Walk {
  readonly extents: readonly number[];
  /** One list per operand, as long as the extents. */
  readonly strides: readonly (readonly number[])[];
}

/** The strides of a contiguous tensor: `[2, 3, 4]` has `[12, 4, 1]`. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/**
 * The shape that tensors of these shapes have together, by NumPy's rule: aligned at the last dimension; extents must be
 * equal, or 1, which is repeated. Undefined if they do not fit.
 */
export function broadcastShape(shapes: readonly (readonly number[])[]): number[] | undefined {
  const rank = Math.max(0, ...shapes.map(({ length }) => length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (const [i, extent] of shape.entries()) {
      const axis = rank - shape.length + i;
      if (extent === 1 || extent === result[axis]) continue;
      if (result[axis] !== 1) return undefined;
      result[axis] = extent;
    }
  }
  return result;
}

/** The strides of a contiguous tensor of `shape` as it is broadcast to `target`: 0 where it is repeated. */
export function broadcastStrides(shape: readonly number[], target: readonly number[]): number[] {
  const own = stridesOf(shape);
  const missing = target.length - shape.length;
  return target.map((_, axis) => (axis < missing || shape[axis - missing] === 1 ? 0 : own[axis - missing]!));
}

/**
 * The same walk with as few dimensions as possible: without those of extent 1, and with neighbours as one where every
 * operand passes from one to the other without a jump. At least one dimension.
 */
export function shortestWalk({ extents, strides }: Walk): Walk {
  const axes: { extent: number; strides: number[] }[] = [];
  for (const [axis, extent] of extents.entries()) {
    if (extent === 1) continue;
    const own = strides.map((of) => of[axis]!);
    const outer = axes.at(-1);
    if (outer && own.every((stride, i) => outer.strides[i] === stride * extent)) {
      outer.extent *= extent;
      outer.strides = own;
    } else {
      axes.push({ extent, strides: own });
    }
  }
  if (axes.length === 0) axes.push({ extent: 1, strides: strides.map(() => 0) });
  return {
    extents: axes.map(({ extent }) => extent),
    strides: strides.map((_, i) => axes.map((axis) => axis.strides[i]!)),
  };
}

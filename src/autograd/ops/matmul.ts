/** matmul: products of matrices, of vectors, and of batches of them, with operands transposed where they lie. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { chooserOf } from '../../kernels/chooser.ts';
import { matmulVariants, matmulWork } from '../../kernels/matmul/choose.ts';
import { multiply } from '../../kernels/matmul/multiply.ts';
import { type Axis, extentOf, type Product, productOf } from '../../kernels/matmul/product.ts';
import { broadcastShape, broadcastStrides } from '../../kernels/strides.ts';
import { expectDType, expectUsable, formatShape, ShapeError } from '../errors.ts';
import { record } from '../graph.ts';
import { checkNames, flag } from '../options.ts';
import { type Shape, Tensor } from '../tensor.ts';

/** Which operands are transposed: their last two dimensions are swapped, without a copy. By default none. */
export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/**
 * The matrix product, with torch.matmul's shapes, f32: [M, K] · [K, N] → [M, N]. Dimensions before the last two are
 * batches, which broadcast. A vector [K] is a row as `a` and a column as `b`, and the result lacks that dimension: two
 * vectors give one value, []. Without terms (K = 0) the result is zeros. Saves each operand if the other requires a
 * gradient. Gradients of operands that were broadcast are sums over their batches.
 * @throws ShapeError for shapes that do not fit, for a tensor without dimensions, and for a transposed vector; OptionError
 *   for other options
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  checkNames('matmul', options, { transposeA: true, transposeB: true });
  const { transposeA = false, transposeB = false } = options;
  flag('matmul', 'transposeA', transposeA);
  flag('matmul', 'transposeB', transposeB);
  expectUsable('matmul', { a, b });
  for (const [name, tensor] of Object.entries({ a, b })) expectDType('matmul', name, tensor, 'f32');

  const { gpu } = a;
  const { shape, axes } = axesOf(a.shape, b.shape, { transposeA, transposeB });
  const products = productsOf(axes, { transposeA, transposeB });
  const output = Tensor.empty(gpu, shape);
  run(gpu, products.output, a.buffer, b.buffer, output.buffer);
  return record({
    name: 'matmul',
    inputs: { a, b },
    output,
    options: { transposeA, transposeB },
    saved: [...(b.requiresGrad ? [a] : []), ...(a.requiresGrad ? [b] : [])],
    backward: (outputGrad, [needsA, needsB]) => {
      const grads: (Tensor | undefined)[] = [undefined, undefined];
      if (needsA) {
        grads[0] = Tensor.empty(gpu, a.shape);
        const operands = transposeA ? ([b, outputGrad] as const) : ([outputGrad, b] as const);
        run(gpu, products.a, operands[0].buffer, operands[1].buffer, grads[0].buffer);
      }
      if (needsB) {
        grads[1] = Tensor.empty(gpu, b.shape);
        const operands = transposeB ? ([outputGrad, a] as const) : ([a, outputGrad] as const);
        run(gpu, products.b, operands[0].buffer, operands[1].buffer, grads[1].buffer);
      }
      return grads;
    },
  });
}

function run(gpu: Gpu, product: Product, a: PooledBuffer, b: PooledBuffer, output: PooledBuffer): void {
  const work = matmulWork(product);
  const empty = extentOf([product.row, product.column, product.depth, ...product.batch, ...product.summed]) === 0;
  const variant = empty ? 'dots' : chooserOf(gpu).choose(work, gpu.traits);
  multiply(gpu, matmulVariants[variant], product, { a, b }, output, work.name);
}

/** The extents of output[m, n] = the sum over k of a[m, k] · b[k, n], and how far apart neighbours are in each tensor. */
interface Axes {
  readonly m: Axis;
  readonly k: Axis;
  readonly n: Axis;
  readonly batch: readonly Axis[];
}

/** Checks the shapes. Returns the result's, and the axes of the product. */
function axesOf(a: Shape, b: Shape, options: Required<MatmulOptions>): { shape: number[]; axes: Axes } {
  const left = matrixOf('a', a, options.transposeA);
  const right = matrixOf('b', b, options.transposeB);
  const batch = broadcastShape([left.batch, right.batch]);
  if (left.columns !== right.rows || !batch) {
    const of = (shape: Shape, transposed: boolean) => `${formatShape(shape)}${transposed ? ' transposed' : ''}`;
    const why = batch
      ? `the rows of a have ${left.columns} values and the columns of b ${right.rows}`
      : 'their batches do not broadcast';
    throw new ShapeError(
      `matmul: a ${of(a, options.transposeA)} and b ${of(b, options.transposeB)} do not fit: ${why}.`,
    );
  }
  const [m, k, n] = [left.rows, left.columns, right.columns];
  const [ofA, ofB, ofOutput] = [left.batch, right.batch, batch].map((own) => broadcastStrides(own, batch));
  return {
    shape: [...batch, ...(a.length === 1 ? [] : [m]), ...(b.length === 1 ? [] : [n])],
    axes: {
      m: { extent: m, a: options.transposeA ? 1 : k, b: 0, output: n },
      k: { extent: k, a: options.transposeA ? m : 1, b: options.transposeB ? 1 : n, output: 0 },
      n: { extent: n, a: 0, b: options.transposeB ? k : 1, output: 1 },
      batch: batch.map((extent, i) => ({
        extent,
        a: ofA![i]! * m * k,
        b: ofB![i]! * k * n,
        output: ofOutput![i]! * m * n,
      })),
    },
  };
}

/** An operand's batches, rows and columns. A vector is a row as `a`, and a column as `b`. */
function matrixOf(name: 'a' | 'b', shape: Shape, transposed: boolean) {
  if (shape.length === 0 || (transposed && shape.length < 2)) {
    throw new ShapeError(
      `matmul: ${name} must have at least ${transposed ? 'two dimensions to be transposed' : 'one dimension'}, got ` +
        `${formatShape(shape)}.`,
    );
  }
  if (shape.length === 1) {
    const [length] = shape as [number];
    return { batch: [], rows: name === 'a' ? 1 : length, columns: name === 'a' ? length : 1 };
  }
  const [last, secondLast] = [shape.at(-1)!, shape.at(-2)!];
  return {
    batch: shape.slice(0, -2),
    rows: transposed ? last : secondLast,
    columns: transposed ? secondLast : last,
  };
}

/**
 * The products of the three passes. Each gradient is a product of the other two tensors, in the order in which its own
 * elements come out adjacent.
 */
function productsOf({ m, k, n, batch }: Axes, { transposeA, transposeB }: MatmulOptions) {
  const of = (a: keyof Axis, b: keyof Axis, output: keyof Axis) => {
    const seen = (axis: Axis): Axis => ({ extent: axis.extent, a: axis[a], b: axis[b], output: axis[output] });
    return (row: Axis, column: Axis, depth: Axis) => productOf(seen(row), seen(column), seen(depth), batch.map(seen));
  };
  return {
    output: of('a', 'b', 'output')(m, n, k),
    a: transposeA ? of('b', 'output', 'a')(k, m, n) : of('output', 'b', 'a')(m, k, n),
    b: transposeB ? of('output', 'a', 'b')(n, k, m) : of('a', 'output', 'b')(k, n, m),
  };
}

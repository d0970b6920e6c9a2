/** Rows for reductions over dimensions, and for softmax. */
import * as engine from '../../../src/autograd/index.ts';
import { type ReduceOptions, type Shape, sizeOf, type Tensor } from '../../../src/autograd/index.ts';
import type { Token } from '../draft.ts';
import { chooser, dimOf, fromFront, HOTTEST, type Row, row } from './row.ts';

type Dims = number | readonly number[] | null;
type Reducing = { readonly dims: Dims; readonly keepdim: boolean };

/** All dimensions, one of them, or some, in any order and from either end. */
function dimsOf(shape: Shape, { option, size }: Token): Dims {
  const choose = chooser(option);
  const kind = choose(['one', 'all', 'some']);
  if (kind === 'all') return null;
  if (kind === 'one' || shape.length === 0) return dimOf(shape, size);
  const bits = 1 + (size % (2 ** shape.length - 1));
  const dims = shape.map((_, axis) => axis).filter((axis) => (bits >> axis) & 1);
  return choose([dims, dims.toReversed(), dims.map((axis) => axis - shape.length)]);
}

function reducedShape(shape: Shape, { dims, keepdim }: Reducing): Shape {
  const rank = shape.length;
  const list = typeof dims === 'number' ? [dims] : (dims ?? [...shape.keys()]);
  const gone = new Set(list.map((dim) => fromFront(dim, rank)));
  return shape.flatMap((extent, axis) => (gone.has(axis) ? (keepdim ? [1] : []) : [extent]));
}

type Reduce = (input: Tensor, dims?: number | readonly number[], options?: ReduceOptions) => Tensor;

function reduction(
  run: Reduce,
  settings: Pick<Row, 'gradients' | 'reads'> & { readonly sums?: boolean; readonly weight?: number },
): Row {
  const { sums = false, weight = 3, ...rest } = settings;
  return row<Reducing>({
    weight,
    draw: (site, token) => {
      const input = site.take(token);
      if (input === undefined) return undefined;
      const dims = dimsOf(site.shape(input), token);
      return { inputs: { input }, options: { dims, keepdim: token.with % 2 === 1 } };
    },
    shape: ({ input }, options) => reducedShape(input!, options),
    run: ({ input }, { dims, keepdim }) => run(input!, dims ?? undefined, { keepdim }),
    heat: ({ input: heat }, { input: shape }, options) =>
      sums ? heat! + Math.log10(sizeOf(shape!) / sizeOf(reducedShape(shape!, options))) / 2 : heat! + 0.3,
    ...rest,
  });
}

type Placing = { readonly dim: number | null; readonly keepdim: boolean };

/** The dimensions are counted from the front in PyTorch's counterpart as well. */
function places(run: (input: Tensor, dim?: number, options?: ReduceOptions) => Tensor<'u32'>): Row {
  return row<Placing>({
    weight: 1,
    draw: (site, token) => {
      const input = site.take(token);
      if (input === undefined) return undefined;
      const shape = site.shape(input);
      const dim = token.option % 3 === 0 ? null : dimOf(shape, token.size);
      return { inputs: { input }, options: { dim, keepdim: dim !== null && token.with % 2 === 1 } };
    },
    shape: ({ input }, { dim, keepdim }) => reducedShape(input!, { dims: dim, keepdim }),
    run: ({ input }, { dim, keepdim }) => run(input!, dim ?? undefined, { keepdim }) as unknown as Tensor,
    gradients: {},
    reads: [],
    type: 'u32',
    heat: () => 0,
  });
}

function softmax(run: (input: Tensor, dim: number) => Tensor, heat: (input: number) => number): Row {
  return row<{ dim: number }>({
    weight: 4,
    draw: (site, token) => {
      const input = site.take(token);
      return input === undefined
        ? undefined
        : { inputs: { input }, options: { dim: dimOf(site.shape(input), token.size) } };
    },
    shape: ({ input }) => input!,
    run: ({ input }, { dim }) => run(input!, dim),
    gradients: { input: ['output'] },
    reads: [],
    heat: ({ input }) => heat(input!),
  });
}

const extremes = { gradients: { input: ['input', 'output'] }, reads: ['input'] };

export const REDUCTIONS: Readonly<Record<string, Row>> = {
  sum: reduction(engine.sum, { gradients: { input: [] }, reads: [], sums: true }),
  // Torch's saves its input, for its size.
  mean: reduction(engine.mean, { gradients: { input: [] }, weight: 4 }),
  max: reduction(engine.max, extremes),
  min: reduction(engine.min, extremes),
  logsumexp: reduction(engine.logsumexp, extremes),
  argmax: places(engine.argmax),
  argmin: places(engine.argmin),
  softmax: softmax(engine.softmax, () => 0),
  logSoftmax: softmax(engine.logSoftmax, (input) => Math.min(HOTTEST, input + 0.5)),
};

/** Rows for the ops that move values: views, copies in another order, joins and parts. */
import * as engine from '../../../src/autograd/index.ts';
import { type Shape, sizeOf, type Tensor } from '../../../src/autograd/index.ts';
import type { Token } from '../draft.ts';
import {
  ANY_TYPE,
  atLeast,
  chooser,
  dimOf,
  fitsIn,
  fromFront,
  hottest,
  type Row,
  row,
  type Shapes,
  type Site,
  sameAs,
} from './row.ts';

/** Moves values of any type; a row of one input that gets the whole gradient, and saves nothing. */
const moving = { gradients: { input: [] }, type: 'same' as const };
/** A view must not be changed before backward, because torch makes its graph anew then. */
const viewing = { ...moving, view: () => true };
const copying = { ...moving, reads: [] };

/** A tensor of any type for some tokens, else an f32 one. */
function takeMoved(site: Site, token: Token, fits?: (shape: Shape) => boolean): string | undefined {
  return token.flags & ANY_TYPE ? site.takeAny(token, fits) : site.take(token, fits);
}

type Reshaping = { readonly shape: readonly number[] };

/** Shapes of other ranks with as many values. */
function shapesOf(shape: Shape): Shape[] {
  const [first = 1] = shape;
  const rest = sizeOf(shape) / first;
  return [shape, [first, rest], [first, rest, 1, 1], [1, first, 1, rest], [first * rest], [rest, first]];
}

function reshaping(run: (input: Tensor, shape: Shape) => Tensor, weight: number): Row {
  return row<Reshaping>({
    ...viewing,
    weight,
    draw: (site, token) => {
      const input = takeMoved(site, token);
      if (input === undefined) return undefined;
      const choose = chooser(token.option);
      const shape = choose(shapesOf(site.shape(input)));
      // The last extent may be left to be found.
      return { inputs: { input }, options: { shape: choose([shape, [...shape.slice(0, -1), -1]]) } };
    },
    shape: ({ input }, { shape }) => {
      const known = sizeOf(shape.filter((extent) => extent !== -1));
      return shape.map((extent) => (extent === -1 ? sizeOf(input!) / known : extent));
    },
    run: ({ input }, { shape }) => run(input!, shape),
  });
}

const detach = row<Reshaping>({
  ...viewing,
  gradients: {},
  weight: 3,
  draw: (site, token) => {
    const input = takeMoved(site, token);
    if (input === undefined) return undefined;
    const shapes = shapesOf(site.shape(input)).slice(0, 4);
    return { inputs: { input }, options: { shape: chooser(token.option)(shapes) } };
  },
  shape: (_, { shape }) => shape,
  run: ({ input }, { shape }) => engine.noGrad(() => engine.reshape(input!, shape)),
});

/** A row of one input whose argument is drawn for its shape; not possible where that gives undefined. */
function arranged<O extends engine.Shape | object>(
  settings: {
    readonly weight?: number;
    readonly fits?: (shape: Shape) => boolean;
    readonly draw: (shape: Shape, token: Token) => O | undefined;
    readonly shape: (input: Shape, options: O) => Shape;
    readonly run: (input: Tensor, options: O) => Tensor;
  },
  kind: Pick<Row, 'gradients' | 'type' | 'reads' | 'view'>,
): Row {
  return row<never>({
    ...kind,
    weight: settings.weight ?? 2,
    draw: (site, token) => {
      const input = takeMoved(site, token, settings.fits);
      const options = input === undefined ? undefined : settings.draw(site.shape(input), token);
      if (!options) return undefined;
      const shape = site.shape(input!);
      return fitsIn(settings.shape(shape, options), shape)
        ? { inputs: { input }, options: options as never }
        : undefined;
    },
    shape: ({ input }, options) => settings.shape(input!, options),
    run: ({ input }, options) => settings.run(input!, options),
  });
}

const flatten = arranged<{ startDim: number; endDim: number }>(
  {
    weight: 4,
    draw: (shape, { option, size }) => {
      const rank = Math.max(1, shape.length);
      const start = chooser(option)([Math.min(1, rank - 1), size % rank]);
      const end = start + ((option >> 1) % (rank - start));
      return option % 2 === 0 ? { startDim: start, endDim: -1 } : { startDim: start - rank, endDim: end };
    },
    shape: (input, { startDim, endDim }) => {
      const rank = Math.max(1, input.length);
      const [start, end] = [fromFront(startDim, rank), fromFront(endDim, rank)];
      return [...input.slice(0, start), sizeOf(input.slice(start, end + 1)), ...input.slice(end + 1)];
    },
    run: (input, { startDim, endDim }) => engine.flatten(input, startDim, endDim),
  },
  viewing,
);

const squeeze = arranged<{ dim: number | null }>(
  {
    draw: (shape, { option, size }) => ({ dim: option % 2 ? null : dimOf(shape, size) }),
    shape: (input, { dim }) =>
      input.filter((extent, axis) => extent !== 1 || (dim !== null && fromFront(dim, input.length) !== axis)),
    run: (input, { dim }) => engine.squeeze(input, dim ?? undefined),
  },
  viewing,
);

const unsqueeze = arranged<{ dim: number }>(
  {
    fits: (shape) => shape.length < 5,
    draw: (shape, { size }) => ({ dim: dimOf([...shape, 1], size) }),
    shape: (input, { dim }) => input.toSpliced(fromFront(dim, input.length + 1), 0, 1),
    run: (input, { dim }) => engine.unsqueeze(input, dim),
  },
  viewing,
);

const transpose = arranged<{ dim0: number; dim1: number }>(
  {
    weight: 3,
    draw: (shape, token) => ({ dim0: dimOf(shape, token.size), dim1: dimOf(shape, token.option) }),
    shape: (input, { dim0, dim1 }) => {
      const [a, b] = [fromFront(dim0, input.length), fromFront(dim1, input.length)];
      return input.map((extent, axis) => (axis === a ? input[b]! : axis === b ? input[a]! : extent));
    },
    run: (input, { dim0, dim1 }) => engine.transpose(input, dim0, dim1),
  },
  copying,
);

const permute = arranged<{ dims: readonly number[] }>(
  {
    weight: 3,
    draw: (shape, token) => {
      const choose = chooser(token.option);
      const left = [...shape.keys()];
      const dims = shape.map(() => left.splice(left.indexOf(choose(left)), 1)[0]!);
      return { dims: token.size % 2 ? dims.map((dim) => dim - shape.length) : dims };
    },
    shape: (input, { dims }) => dims.map((dim) => input[fromFront(dim, input.length)]!),
    run: (input, { dims }) => engine.permute(input, dims),
  },
  copying,
);

const flip = arranged<{ dims: readonly number[] }>(
  {
    draw: (shape, token) => ({ dims: [...shape.keys()].filter((axis) => (token.size >> axis) & 1) }),
    shape: (input) => input,
    run: (input, { dims }) => engine.flip(input, dims),
  },
  copying,
);

const narrow = arranged<{ dim: number; start: number; length: number }>(
  {
    fits: atLeast(1),
    weight: 3,
    draw: (shape, token) => {
      const dim = dimOf(shape, token.size);
      const extent = shape[fromFront(dim, shape.length)]!;
      const start = token.option % extent;
      const length = 1 + (token.with % (extent - start));
      return { dim, start: token.option % 2 ? start - extent : start, length };
    },
    shape: (input, { dim, length }) => input.with(fromFront(dim, input.length), length),
    run: (input, { dim, start, length }) => engine.narrow(input, dim, start, length),
  },
  copying,
);

const expand = arranged<{ shape: readonly number[] }>(
  {
    weight: 3,
    fits: (shape) => shape.length < 5,
    draw: (shape, token) => {
      const choose = chooser(token.option);
      const repeated = shape.map((extent) => (extent === 1 ? choose([3, 1, 2, 5]) : choose([extent, -1])));
      return { shape: choose([repeated, [2, ...repeated], repeated]) };
    },
    shape: (input, { shape }) =>
      shape.map((extent, axis) => (extent === -1 ? input[axis - shape.length + input.length]! : extent)),
    run: (input, { shape }) => engine.expand(input, shape),
  },
  copying,
);

type Padding = {
  readonly padding: readonly number[];
  readonly mode: engine.PadOptions['mode'];
  readonly value: number;
};

const pad = arranged<Padding>(
  {
    weight: 4,
    fits: atLeast(1),
    draw: (shape, token) => {
      const choose = chooser(token.option);
      const mode = choose(['constant', 'reflect', 'replicate', 'circular'] as const);
      const rank = shape.length;
      const pairs = mode === 'constant' ? 1 + (token.size % Math.min(3, rank)) : rank - choose([1, 2]);
      if (pairs < 1 || pairs > 3) return undefined;
      const amounts = chooser(token.with);
      const padding = shape.toReversed().slice(0, pairs);
      return {
        mode,
        // A mask takes whole numbers.
        value: mode === 'constant' ? choose([0, token.flags & ANY_TYPE ? 1 : 0.5]) : 0,
        padding: padding.flatMap((extent) => {
          if (mode !== 'constant') {
            const most = { reflect: extent - 1, replicate: 3, circular: extent }[mode];
            return [Math.min(most, amounts([1, 0, 2])), Math.min(most, amounts([0, 1, 2]))];
          }
          const before = amounts([1, 0, 2, -1]);
          return [before > -extent ? before : 0, amounts([0, 1, 2])];
        }),
      };
    },
    shape: (input, { padding }) =>
      input.map((extent, axis) => {
        const pair = 2 * (input.length - 1 - axis);
        return extent + (padding[pair] ?? 0) + (padding[pair + 1] ?? 0);
      }),
    run: (input, { padding, mode, value }) =>
      engine.pad(input, padding, { mode: mode!, ...(mode === 'constant' && { value }) }),
  },
  // Torch's other modes save their input.
  moving,
);

const listed = (shapes: Shapes) => Object.values(shapes);

/** Joins two or three tensors of one type, one of which may occur twice. */
function joining(settings: {
  readonly fits: (first: Shape, dim: number) => (other: Shape) => boolean;
  readonly dim: (first: Shape, token: Token) => number;
  readonly shape: (shapes: readonly Shape[], dim: number) => Shape;
  readonly run: (tensors: readonly Tensor[], dim: number) => Tensor;
  readonly least: number;
}): Row {
  return row<{ dim: number }>({
    weight: 4,
    gradients: { tensors: [] },
    reads: [],
    type: 'same',
    draw: (site, token) => {
      const first = takeMoved(site, token, atLeast(settings.least));
      if (first === undefined) return undefined;
      const shape = site.shape(first);
      const dim = settings.dim(shape, token);
      const fits = settings.fits(shape, dim);
      const others = [0, 1, 2].slice(0, 1 + (token.option % 3)).map((skip) => {
        if (!site.isFloat(first)) return first;
        return site.takeOther(token, fits, skip) ?? first;
      });
      const names = token.flags & 4 ? [...others, first] : [first, ...others];
      if (
        !fitsIn(
          settings.shape(
            names.map((name) => site.shape(name)),
            dim,
          ),
        )
      )
        return undefined;
      return { inputs: Object.fromEntries(names.map((name, i) => [`tensors${i}`, name])), options: { dim } };
    },
    shape: (shapes, { dim }) => settings.shape(listed(shapes), dim),
    run: (tensors, { dim }) => settings.run(Object.values(tensors), dim),
  });
}

const concat = joining({
  least: 1,
  dim: (first, token) => dimOf(first, token.size),
  fits: (first, dim) => {
    const axis = fromFront(dim, first.length);
    return (other) => other.length === first.length && sameAs(first.with(axis, 0))(other.with(axis, 0));
  },
  shape: (shapes, dim) => {
    const axis = fromFront(dim, shapes[0]!.length);
    return shapes[0]!.with(
      axis,
      shapes.reduce((sum, shape) => sum + shape[axis]!, 0),
    );
  },
  run: (tensors, dim) => engine.concat(tensors, dim),
});

const stack = joining({
  least: 0,
  dim: (first, token) => dimOf([...first, 1], token.size),
  fits: sameAs,
  shape: (shapes, dim) => shapes[0]!.toSpliced(fromFront(dim, shapes[0]!.length + 1), 0, shapes.length),
  run: (tensors, dim) => engine.stack(tensors, dim),
});

const indexSelect = row<{ dim: number }>({
  weight: 4,
  gradients: { input: ['index'] },
  reads: ['index'],
  type: 'same',
  draw: (site, token) => {
    const input = takeMoved(site, token, atLeast(1));
    if (input === undefined) return undefined;
    const shape = site.shape(input);
    const dim = dimOf(shape, token.size);
    const axis = fromFront(dim, shape.length);
    const picked = chooser(token.option)([3, 1, 2, 5, 9, 17]);
    if (!fitsIn(shape.with(axis, picked))) return undefined;
    const index = site.leaf('y', [picked], { kind: 'labels', classes: shape[axis]! });
    return { inputs: { input, index }, options: { dim } };
  },
  shape: ({ input, index }, { dim }) => input!.with(fromFront(dim, input!.length), sizeOf(index!)),
  run: ({ input, index }, { dim }) => engine.indexSelect(input!, dim, index as unknown as Tensor<'u32'>),
  heat: ({ input }) => hottest({ input: input! }),
});

export const SHAPES: Readonly<Record<string, Row>> = {
  reshape: reshaping((input, shape) => engine.reshape(input, shape), 3),
  view: reshaping((input, shape) => input.view(shape), 2),
  ...{ detach, flatten, squeeze, unsqueeze, transpose, permute, flip, narrow, expand, pad, concat, stack, indexSelect },
};

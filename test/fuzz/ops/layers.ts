/** Rows for products of matrices, and for layers that are no convolutions. */
import * as engine from '../../../src/autograd/index.ts';
import { type Shape, sizeOf, type Tensor } from '../../../src/autograd/index.ts';
import { broadcastShape } from '../../../src/kernels/strides.ts';
import { EPSILONS, FEATURES } from '../choices.ts';
import type { Token } from '../draft.ts';
import {
  atLeast,
  BIASED,
  between,
  bounded,
  type Call,
  chooser,
  FROZEN,
  fitsIn,
  HOTTEST,
  hottest,
  MOST_PRODUCTS,
  MOST_VALUES,
  ofRank,
  pick,
  REUSED,
  type Row,
  row,
  type Site,
  spread,
} from './row.ts';

const linear = row({
  weight: 9,
  draw: (site, token) => {
    const input = site.take(token, atLeast(1));
    if (input === undefined) return undefined;
    const shape = site.shape(input);
    const features = shape.at(-1)!;
    const rows = sizeOf(shape) / features;
    const most = Math.max(1, Math.floor(MOST_VALUES / Math.max(rows, features)));
    const known = site.parameters((own) => own.length === 2 && own[1] === features && own[0]! <= most);
    const reused = token.flags & REUSED ? pick(known, token.with)?.name : undefined;
    const out = Math.min(most, FEATURES[token.size % FEATURES.length]!);
    const learns = !(token.flags & FROZEN);
    const weight = reused ?? site.leaf('w', [out, features], spread(Math.sqrt(3 / features)), learns);
    const biased = (token.flags & BIASED) > 0;
    const bias = biased ? site.leaf('w', [site.shape(weight)[0]!], spread(0.5), !(token.size & 1)) : undefined;
    return { inputs: { input, weight, bias } };
  },
  shape: ({ input, weight }) => input!.with(-1, weight![0]!),
  run: ({ input, weight, bias }) => engine.linear(input!, weight!, bias),
  gradients: { input: ['weight'], weight: ['input'], bias: [] },
});

type Transposes = { readonly transposeA: boolean; readonly transposeB: boolean };

const swapped = (shape: Shape, transposed: boolean): Shape =>
  transposed ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape;

/** The shape of a product, and its terms per value; undefined if the operands do not fit. */
function productOf(a: Shape, b: Shape, { transposeA, transposeB }: Transposes) {
  if (a.length === 0 || b.length === 0) return undefined;
  if ((transposeA && a.length < 2) || (transposeB && b.length < 2)) return undefined;
  const left = swapped(a.length === 1 ? [1, ...a] : a, transposeA);
  const right = swapped(b.length === 1 ? [...b, 1] : b, transposeB);
  const terms = left.at(-1)!;
  const batch = broadcastShape([left.slice(0, -2), right.slice(0, -2)]);
  if (terms !== right.at(-2) || !batch) return undefined;
  const shape = [...batch, ...(a.length === 1 ? [] : [left.at(-2)!]), ...(b.length === 1 ? [] : [right.at(-1)!])];
  return { shape, terms };
}

/** A shape that fits as `b`: a matrix, a vector, one matrix per batch, or a batch of them for a single matrix. */
function factorFor(a: Shape, { size }: Token, { transposeA, transposeB }: Transposes): Shape {
  const choose = chooser(size);
  const kind = choose(['matrix', 'batch', 'vector', 'matrix', 'more']);
  const columns = choose(FEATURES);
  const terms = swapped(a, transposeA).at(-1)!;
  if (kind === 'vector' && !transposeB) return [terms];
  const batch = { matrix: [], vector: [], batch: a.slice(0, -2), more: [2, ...a.slice(0, -2).map(() => 1)] }[kind]!;
  return [...batch, ...swapped([terms, columns], transposeB)];
}

const isSmall = (product: ReturnType<typeof productOf>): boolean =>
  product !== undefined && fitsIn(product.shape) && sizeOf(product.shape) * product.terms <= MOST_PRODUCTS;

const matmul = row<Transposes>({
  weight: 12,
  draw: (site, token) => {
    const first = site.take(token, atLeast(1));
    if (first === undefined) return undefined;
    const shape = site.shape(first);
    const choose = chooser(token.option);
    const kind = choose(['parameter', 'tensor', 'tensor', 'left']);
    const options = {
      transposeA: choose([false, true]) && shape.length > 1,
      transposeB: choose([false, true]),
    };
    const cooled = (a: string, b: string): Call => {
      const hot = site.heat(a) + site.heat(b) > HOTTEST;
      return { inputs: { a: hot ? bounded(site, token, a) : a, b }, options };
    };
    const other = kind === 'tensor' ? site.takeOther(token, (b) => isSmall(productOf(shape, b, options))) : undefined;
    if (other !== undefined) return cooled(first, other);
    if (kind === 'left' && shape.length >= 2) {
      // The parameter is a row, or a matrix that is not transposed.
      const terms = swapped(shape, options.transposeB).at(-2)!;
      const left = { ...options, transposeA: false };
      const wanted = token.size % 3 === 2 ? [terms] : [FEATURES[token.size % FEATURES.length]!, terms];
      if (!isSmall(productOf(wanted, shape, left))) return undefined;
      const parameter = site.leaf('w', wanted, spread(Math.sqrt(3 / terms)), !(token.flags & FROZEN));
      return { inputs: { a: parameter, b: first }, options: left };
    }
    const wanted = factorFor(shape, token, options);
    if (!isSmall(productOf(shape, wanted, options))) return undefined;
    const terms = swapped(shape, options.transposeA).at(-1)!;
    const parameter = site.leaf('w', wanted, spread(Math.sqrt(3 / terms)), !(token.flags & FROZEN));
    return { inputs: { a: first, b: parameter }, options };
  },
  shape: ({ a, b }, options) => productOf(a!, b!, options)!.shape,
  run: ({ a, b }, options) => engine.matmul(a!, b!, options),
  gradients: { a: ['b'], b: ['a'] },
  heat: ({ a, b }, { a: shape }, { transposeA }) =>
    a! + b! + Math.log10(swapped(shape!, transposeA && shape!.length > 1).at(-1)!) / 2,
});

const embedding = row<{ paddingIdx: number | null }>({
  weight: 4,
  draw: (site, token) => {
    const choose = chooser(token.option);
    const wanted = choose([[4], [2, 3], [], [1, 5], [9]]);
    const rows = choose([5, 1, 3, 12]);
    const taken = token.flags & REUSED ? site.take(token, ofRank(2)) : undefined;
    const width = FEATURES[token.size % FEATURES.length]!;
    const weight = taken ?? site.leaf('w', [rows, width], spread(1.5), !(token.flags & FROZEN));
    const [classes, inner] = site.shape(weight) as [number, number];
    const shape = fitsIn([...wanted, inner]) ? wanted : [];
    const index = site.leaf('y', shape, { kind: 'labels', classes });
    const padding = choose([null, 0, -1]);
    return { inputs: { index, weight }, options: { paddingIdx: padding } };
  },
  shape: ({ index, weight }) => [...index!, weight![1]!],
  run: ({ index, weight }, { paddingIdx }) =>
    engine.embedding(index as unknown as Tensor<'u32'>, weight!, paddingIdx === null ? {} : { paddingIdx }),
  gradients: { weight: ['index'] },
  cuts: ({ paddingIdx }) => paddingIdx !== null,
  heat: ({ weight }) => weight!,
});

/** The fewest values of a normalised group. Of fewer only the sign is left, or nothing but rounding. */
const LEAST_NORMALISED = 3;

/** Weight and bias of a norm, one of them, or none. */
function scaling(site: Site, { flags, with: other }: Token, shape: Shape) {
  const learns = !(flags & FROZEN);
  return {
    weight: other % 4 === 3 ? undefined : site.leaf('w', shape, between(0.5, 1.5), learns),
    bias: other % 4 >= 2 ? undefined : site.leaf('w', shape, spread(0.5), learns),
  };
}

/** They always save their input, and the weight for the input's gradient. */
const normalising = {
  gradients: { input: ['input', 'weight', 'own'], weight: ['input', 'own'], bias: ['input', 'own'] },
  heat: () => 0.2,
};

const layerNorm = row<{ normalizedShape: readonly number[]; eps: number }>({
  ...normalising,
  weight: 6,
  draw: (site, token) => {
    const dims = 1 + (token.size % 2);
    const input = site.take(token, (shape) => shape.length >= dims && sizeOf(shape.slice(-dims)) >= LEAST_NORMALISED);
    if (input === undefined) return undefined;
    const normalizedShape = site.shape(input).slice(-dims);
    const options = { normalizedShape, eps: EPSILONS[token.option % 3]! };
    return { inputs: { input, ...scaling(site, token, normalizedShape) }, options };
  },
  shape: ({ input }) => input!,
  run: ({ input, weight, bias }, { normalizedShape, eps }) =>
    engine.layerNorm(input!, normalizedShape, weight, bias, { eps }),
});

const groupNorm = row<{ numGroups: number; eps: number }>({
  ...normalising,
  weight: 6,
  draw: (site, token) => {
    const input = site.take(token, (shape) => shape.length >= 2 && groupsOf(shape).length > 0);
    if (input === undefined) return undefined;
    const shape = site.shape(input);
    const choose = chooser(token.option);
    const options = { eps: choose(EPSILONS), numGroups: choose(groupsOf(shape)) };
    return { inputs: { input, ...scaling(site, token, [shape[1]!]) }, options };
  },
  shape: ({ input }) => input!,
  run: ({ input, weight, bias }, { numGroups, eps }) => engine.groupNorm(input!, numGroups, weight, bias, { eps }),
});

/** The counts of groups that the channels divide into, with enough values in each. */
const groupsOf = ([, channels, ...rest]: Shape): number[] =>
  [1, 2, 3, channels!].filter(
    (groups) => channels! % groups === 0 && (channels! / groups) * sizeOf(rest) >= LEAST_NORMALISED,
  );

/** PyTorch draws another mask, so nothing is dropped, or everything. */
const dropout = row<{ p: number; training: boolean }>({
  weight: 2,
  draw: (site, token) => {
    const input = site.take(token);
    const choose = chooser(token.option);
    const options = choose([
      { p: 0.5, training: false },
      { p: 1, training: true },
      { p: 0, training: true },
    ]);
    return input === undefined ? undefined : { inputs: { input }, options };
  },
  shape: ({ input }) => input!,
  run: ({ input }, options) => engine.dropout(input!, { ...options, random: { u32: () => 0 } }),
  gradients: { input: [] },
  view: ({ training, p }) => !training || p === 0,
  heat: hottest,
});

export const LAYERS: Readonly<Record<string, Row>> = { linear, matmul, embedding, layerNorm, groupNorm, dropout };

/** Rows for the elementwise ops: of one tensor, of two operands, comparisons, and `where`. */

import type { Comparison, Value } from '../../../src/autograd/elementwise.ts';
import * as engine from '../../../src/autograd/index.ts';
import { type Shape, sizeOf, type Tensor } from '../../../src/autograd/index.ts';
import { broadcastShape } from '../../../src/kernels/strides.ts';
import type { Token } from '../draft.ts';
import type { Options } from '../program.ts';
import {
  bounded,
  type Call,
  chooser,
  FROZEN,
  fitsIn,
  HOTTEST,
  hottest,
  MOST_VALUES,
  positive,
  type Row,
  row,
  type Shapes,
  type Site,
  spread,
  type Tensors,
} from './row.ts';

type Prepare = (site: Site, token: Token, name: string) => string;

interface Single {
  /** What its gradient reads. */
  readonly reads: 'x' | 'output' | 'nothing';
  /** Makes a tensor that the op is defined and smooth enough for. */
  readonly prepare?: Prepare;
  readonly draw?: (token: Token) => Options;
  readonly heat?: (x: number) => number;
  readonly weight?: number;
}

function single<O extends Options>(
  run: (x: Tensor, options: O) => Tensor,
  { reads, prepare = (_site, _token, name) => name, draw = () => ({}), heat = (x) => x, weight = 2 }: Single,
): Row {
  return row<O>({
    weight,
    draw: (site, token) => {
      const x = site.take(token);
      return x === undefined ? undefined : { inputs: { x: prepare(site, token, x) }, options: draw(token) };
    },
    shape: ({ x }) => x!,
    run: ({ x }, options) => run(x!, options),
    gradients: { x: reads === 'nothing' ? [] : [reads] },
    reads: reads === 'x' ? ['x'] : [],
    heat: ({ x }) => heat(x!),
  });
}

const alone = (run: (x: Tensor) => Tensor, settings: Single) => single((x) => run(x), settings);

const SINGLES: Readonly<Record<string, Row>> = {
  neg: alone(engine.neg, { reads: 'nothing' }),
  abs: alone(engine.abs, { reads: 'x' }),
  exp: alone(engine.exp, { reads: 'output', prepare: bounded, heat: () => 1 }),
  log: alone(engine.log, { reads: 'x', prepare: positive, heat: () => 0 }),
  sqrt: alone(engine.sqrt, { reads: 'output', prepare: positive, heat: (x) => x / 2 }),
  relu: alone(engine.relu, { reads: 'output', weight: 6 }),
  relu6: alone(engine.relu6, { reads: 'x' }),
  sigmoid: alone(engine.sigmoid, { reads: 'output', heat: () => 0 }),
  hardsigmoid: alone(engine.hardsigmoid, { reads: 'x', heat: () => 0 }),
  tanh: alone(engine.tanh, { reads: 'output', heat: () => 0 }),
  erf: alone(engine.erf, { reads: 'x', heat: () => 0 }),
  silu: alone(engine.silu, { reads: 'x' }),
  hardswish: alone(engine.hardswish, { reads: 'x' }),
  leakyRelu: single<{ slope: number }>((x, { slope }) => engine.leakyRelu(x, slope), {
    reads: 'x',
    draw: ({ option }) => ({ slope: chooser(option)([0.01, 0.2, -0.5]) }),
  }),
  clamp: single<{ min?: number; max?: number }>((x, { min, max }) => engine.clamp(x, min, max), {
    reads: 'x',
    draw: ({ option }) => chooser(option)([{ min: -1, max: 0.7 }, { min: 0.25 }, { max: 0.5 }, { min: 1, max: -1 }]),
  }),
  gelu: single<{ approximate: 'none' | 'tanh' }>((x, { approximate }) => engine.gelu(x, approximate), {
    reads: 'x',
    draw: ({ option }) => ({ approximate: chooser(option)(['none', 'tanh']) }),
    weight: 3,
  }),
};

/** Operands that are numbers stand among the options. */
type Numbers = { readonly a?: number; readonly b?: number };
type Operands = Readonly<Record<string, string | number>>;

function callOf(operands: Operands): Call {
  const entries = Object.entries(operands);
  return {
    inputs: Object.fromEntries(entries.filter((one): one is [string, string] => typeof one[1] === 'string')),
    options: Object.fromEntries(entries.filter((one): one is [string, number] => typeof one[1] === 'number')),
  };
}

const broadcast = (shapes: Shapes): Shape => broadcastShape(Object.values(shapes))!;
const NUMBERS = [0.5, -1.5, 2, 0.25, -0.7];

/** A tensor and a partner: another tensor that it can be broadcast with, a new parameter, or a number. */
function pairOf(site: Site, token: Token): [string, string | number] | undefined {
  const first = site.take(token);
  if (first === undefined) return undefined;
  const shape = site.shape(first);
  const choose = chooser(token.option);
  const kind = choose(['tensor', 'tensor', 'parameter', 'number']);
  if (kind === 'number') return [first, choose(NUMBERS)];
  const together = (other: Shape) => {
    const both = broadcastShape([shape, other]);
    return both !== undefined && fitsIn(both, shape);
  };
  if (kind === 'tensor') return [first, site.takeOther(token, together)!];
  const wanted = partnerOf(shape, token.size);
  const other = together(wanted) ? wanted : shape;
  return [first, site.leaf('w', other, spread(1.5), (token.flags & FROZEN) === 0)];
}

/** A shape that broadcasts with another: with extents of 1 for some, with fewer dimensions or more, with larger ones. */
function partnerOf(shape: Shape, number: number): Shape {
  const choose = chooser(number);
  const change = choose(['same', 'ones', 'shorter', 'larger', 'longer']);
  const bits = choose([1, 2, 3, 5, 4, 6, 7, 8, 9, 10]);
  if (change === 'ones') return shape.map((extent, axis) => ((bits >> axis) & 1 ? 1 : extent));
  if (change === 'shorter') return shape.slice(1 + (bits % Math.max(1, shape.length)));
  if (change === 'larger') return shape.map((extent) => (extent === 1 ? 1 + (bits % 4) : extent));
  return change === 'longer' && sizeOf(shape) * 2 <= MOST_VALUES ? [2, ...shape] : shape;
}

/** Whether a token's operands change places. */
const SWAPPED = 4;

interface Pairwise {
  readonly gradients: Row['gradients'];
  readonly reads: readonly string[];
  readonly prepare?: (site: Site, token: Token, operands: { a: string | number; b: string | number }) => Operands;
  readonly heat?: NonNullable<Row['heat']>;
  readonly weight?: number;
  readonly type?: 'u32';
}

function pairwise(
  run: (a: Value, b: Value) => Tensor,
  { prepare = (_site, _token, operands) => operands, weight = 3, ...rest }: Pairwise,
): Row {
  return row<Numbers>({
    weight,
    draw: (site, token) => {
      const pair = pairOf(site, token);
      if (!pair) return undefined;
      const [a, b] = token.flags & SWAPPED ? [pair[1], pair[0]] : pair;
      return callOf(prepare(site, token, { a, b }));
    },
    shape: broadcast,
    run: ({ a, b }: Tensors, numbers) => run(a ?? numbers.a!, b ?? numbers.b!),
    heat: (heats) => hottest(heats) + 0.3,
    ...rest,
  });
}

const heatOf = (site: Site, operand: string | number) => (typeof operand === 'string' ? site.heat(operand) : 0);
const onTensor = (operand: string | number, change: (name: string) => string) =>
  typeof operand === 'string' ? change(operand) : operand;

/** Operands whose product is not too hot. */
function factors(site: Site, token: Token, { a, b }: { a: string | number; b: string | number }): Operands {
  if (heatOf(site, a) + heatOf(site, b) <= HOTTEST) return { a, b };
  return { a: onTensor(a, (name) => bounded(site, token, name)), b };
}

/** A power: of any base to a whole number, of a positive one to a number or a bounded tensor. */
function powers(site: Site, token: Token, { a, b }: { a: string | number; b: string | number }): Operands {
  if (typeof a === 'number') return { a: Math.abs(a), b: onTensor(b, (name) => bounded(site, token, name)) };
  const cool = bounded(site, token, a);
  if (typeof b === 'number') {
    const exponent = chooser(token.option >> 4)([2, 3, 0.5, -1, 1.5, 0, 1, -2.5]);
    const whole = Number.isInteger(exponent) && exponent >= 0;
    return { a: whole ? cool : positive(site, token, cool), b: exponent };
  }
  return { a: positive(site, token, cool), b: bounded(site, token, b) };
}

const choice = { gradients: { a: ['a', 'b'], b: ['a', 'b'] }, reads: ['a', 'b'] };
const comparing = { gradients: {}, reads: [], weight: 1, type: 'u32' as const, heat: () => 0 };
const comparison = (run: Comparison) => pairwise((a, b) => run(a, b) as unknown as Tensor, comparing);

const PAIRS: Readonly<Record<string, Row>> = {
  add: pairwise(engine.add, { gradients: { a: [], b: [] }, reads: [], weight: 8 }),
  sub: pairwise(engine.sub, { gradients: { a: [], b: [] }, reads: [] }),
  mul: pairwise(engine.mul, {
    gradients: { a: ['b'], b: ['a'] },
    reads: ['a', 'b'],
    prepare: factors,
    heat: ({ a = 0, b = 0 }) => a + b,
    weight: 6,
  }),
  div: pairwise(engine.div, {
    gradients: { a: ['b'], b: ['b', 'output'] },
    reads: ['a', 'b'],
    prepare: (site, token, { a, b }) => ({ a, b: onTensor(b, (name) => positive(site, token, name)) }),
    heat: ({ a = 0 }) => a + 0.3,
  }),
  maximum: pairwise(engine.maximum, choice),
  minimum: pairwise(engine.minimum, choice),
  pow: pairwise(engine.pow, {
    gradients: { a: ['a', 'b'], b: ['a', 'b', 'output'] },
    reads: ['a', 'b'],
    prepare: powers,
    heat: () => 1.2,
  }),
  eq: comparison(engine.eq),
  ne: comparison(engine.ne),
  gt: comparison(engine.gt),
  ge: comparison(engine.ge),
  lt: comparison(engine.lt),
  le: comparison(engine.le),
};

const where = row<Numbers>({
  weight: 5,
  draw: (site, token) => {
    const pair = pairOf(site, token);
    if (!pair) return undefined;
    const [a, b] = token.flags & SWAPPED ? [pair[1], pair[0]] : pair;
    const shapes = [a, b].flatMap((one) => (typeof one === 'string' ? [site.shape(one)] : []));
    const result = broadcastShape(shapes)!;
    const masks = site.masks((shape) => {
      const together = broadcastShape([shape, result]);
      return together !== undefined && fitsIn(together, result);
    });
    const compared = pair[0];
    const condition =
      masks[token.with % Math.max(1, masks.length)] ??
      site.call(token.size % 2 ? 'lt' : 'gt', { a: compared }, { b: 0.2 });
    return callOf({ condition, a, b });
  },
  shape: broadcast,
  run: ({ condition, a, b }, numbers) =>
    engine.where(condition as unknown as Tensor<'u32'>, a ?? numbers.a!, b ?? numbers.b!),
  gradients: { a: ['condition'], b: ['condition'] },
  reads: ['condition'],
});

export const ELEMENTWISE: Readonly<Record<string, Row>> = { ...SINGLES, ...PAIRS, where };

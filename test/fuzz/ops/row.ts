/**
 * The rows of the table of ops: how a token becomes a call of an op, and what backward does with its tensors. A row's
 * counterpart of the same name in `torch_ops.py` runs the op on PyTorch.
 */
import { type Shape, sizeOf, type Tensor } from '../../../src/autograd/index.ts';
import type { Token } from '../draft.ts';
import type { Distribution, Leaf, Options } from '../program.ts';

/** Tensors by the names of an op's inputs. */
export type Tensors = Readonly<Record<string, Tensor>>;
export type Shapes = Readonly<Record<string, Shape>>;

/** The inputs of a call, by the names of tensors, and its arguments that are no tensors. */
export interface Call {
  readonly inputs: Readonly<Record<string, string | undefined>>;
  readonly options?: Options;
}

export interface Row<O extends Options = Options> {
  /** How often a token is drawn, beside the other rows. */
  readonly weight: number;
  /** Makes a call from a token's numbers; undefined where no tensor fits. */
  readonly draw: (site: Site, token: Token) => Call | undefined;
  readonly shape: (shapes: Shapes, options: O) => Shape;
  readonly run: (tensors: Tensors, options: O) => Tensor;
  /**
   * The inputs that a gradient flows to, and what their gradients read: inputs, `output`, or `own`, other memory that
   * the op made. A name stands for all inputs that add a number to it.
   */
  readonly gradients: Readonly<Record<string, readonly string[]>>;
  /** The inputs that must not change before backward, in the engine or in torch. All by default. */
  readonly reads?: readonly string[];
  /** Inputs that the op moves, such as running statistics. */
  readonly moves?: (options: O) => readonly string[];
  /** Whether the gradient is not the slope everywhere, by intention. Then finite differences say nothing. */
  readonly cuts?: (options: O) => boolean;
  /** Whether the result shares the memory of `input`. */
  readonly view?: (options: O) => boolean;
  /** The result's type: f32 by default; that of its first input; or u32. */
  readonly type?: 'same' | 'u32';
  /** The heat of the result. By default that of its hottest input. */
  readonly heat?: (heats: Readonly<Record<string, number>>, shapes: Shapes, options: O) => number;
}

/** Gives the table a row whose options have types. */
export const row = <O extends Options>(typed: Row<O>): Row => typed as unknown as Row;

/**
 * The place of a call in a program: the tensors there, and those that a call needs beside them.
 *
 * A tensor's heat is roughly the logarithm to base 10 of its size. Products add it, and ops that could overflow first
 * cool their input.
 */
export interface Site {
  shape(name: string): Shape;
  heat(name: string): number;
  /** The f32 tensor that a token takes as its input, of those that fit. */
  take(token: Token, fits?: (shape: Shape) => boolean): string | undefined;
  /** The tensor that it takes as a further input. */
  takeOther(token: Token, fits: (shape: Shape) => boolean, skip?: number): string | undefined;
  /** The tensor of any type that it takes. */
  takeAny(token: Token, fits?: (shape: Shape) => boolean): string | undefined;
  isFloat(name: string): boolean;
  /** The masks and counts whose shapes fit. */
  masks(fits: (shape: Shape) => boolean): string[];
  leaf(kind: 'w' | 's' | 'k' | 'y', shape: Shape, values: Distribution, requiresGrad?: boolean): string;
  /** The parameters so far whose shapes fit. */
  parameters(fits: (shape: Shape) => boolean): Leaf[];
  /** Parameters and statistics of the batch norms so far, for `channels` channels. */
  norms(channels: number): Call['inputs'][];
  /** Adds a call before the one being drawn. Returns its result's name. */
  call(op: string, inputs: Call['inputs'], options?: Options): string;
}

/** Bits of a token's flags. */
export const REUSED = 1;
export const TRAINING = 2;
export const RELU = 4;
export const BIASED = 8;
export const FROZEN = 16;
export const OF_PARAMETERS = 32;
export const RESIDUAL = 64;
export const ANY_TYPE = 128;

/** Makes several choices by one number. Small numbers choose the first items. */
export function chooser(number: number): <T>(list: readonly T[]) => T {
  let rest = number;
  return (list) => {
    const item = list[rest % list.length]!;
    rest = Math.floor(rest / list.length);
    return item;
  };
}

/** The i-th item of a list, modulo its length; undefined for an empty list. */
export function pick<T>(list: readonly T[], i: number): T | undefined {
  return list[i % list.length];
}

/** The most values of a tensor, and the most multiplications of a product or convolution. */
export const MOST_VALUES = 3072;
export const MOST_PRODUCTS = 400_000;

/** The heats up to which a tensor is bounded, and may be multiplied. */
export const COOL = 0.5;
export const HOTTEST = 3.5;

export const same = (a: Shape, b: Shape) => a.length === b.length && a.every((extent, i) => extent === b[i]);
export const sameAs = (wanted: Shape) => (shape: Shape) => same(shape, wanted);
export const ofRank = (rank: number) => (shape: Shape) => shape.length === rank;
export const atLeast = (rank: number) => (shape: Shape) => shape.length >= rank;
export const spread = (high: number): Distribution => ({ kind: 'uniform', low: -high, high });
export const between = (low: number, high: number): Distribution => ({ kind: 'uniform', low, high });
/** Whether a result is not too large, or no larger than its input. */
export const fitsIn = (shape: Shape, input: Shape = []) => sizeOf(shape) <= Math.max(MOST_VALUES, sizeOf(input));

/** The heat of the hottest input. */
export const hottest = (heats: Readonly<Record<string, number>>) => Math.max(0, ...Object.values(heats));

/** The tensor, or a bounded function of it. */
export function bounded(site: Site, { size }: Token, name: string): string {
  if (site.heat(name) <= COOL) return name;
  return size % 2 === 0 ? site.call('tanh', { x: name }) : site.call('clamp', { x: name }, { min: -2, max: 1.5 });
}

/** A positive function of the tensor. */
export function positive(site: Site, { size }: Token, name: string): string {
  const cool = site.heat(name) <= 1 && size % 2 === 1;
  const from0 = cool ? site.call('mul', { a: name, b: name }) : site.call('abs', { x: name });
  return site.call('add', { a: from0 }, { b: 0.5 });
}

/** Dimension `index` of a shape, sometimes counted from the end. */
export function dimOf(shape: Shape, index: number): number {
  const rank = Math.max(1, shape.length);
  return (index % (2 * rank)) - (index % (2 * rank) < rank ? 0 : 2 * rank);
}

/** A dimension counted from the front. */
export const fromFront = (dim: number, rank: number) => (dim < 0 ? dim + rank : dim);

/**
 * A random program as plain data: leaves, and statements that compute, dispose, differentiate and train. `run.ts` runs
 * it on dawngrad, and `torch_programs.py` on PyTorch. A file with its JSON is enough to run it again.
 *
 * Every tensor has a name. Leaves are `x0` (data), `w3` (parameters), `s4` (running statistics), `k5` (constants that
 * must not require a gradient) and `y6` (labels and indices). Results are `v5`, and `v5.2` in later steps. A statement
 * that reports values has a label. Both sides report under label and name.
 */
import type { Conv2dVariant } from '../../src/kernels/conv2d/choose.ts';
import type { LinearVariant } from '../../src/kernels/linear/choose.ts';
import type { MatmulVariant } from '../../src/kernels/matmul/choose.ts';
import type { Capabilities } from './capabilities.ts';

/** The distribution of a leaf's values. */
export type Distribution =
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  /** Whole numbers from −2 to 2: they make exact zeros and equal maxima, which both sides must treat alike. */
  | { readonly kind: 'integers' }
  /** Two of three values are 0. */
  | { readonly kind: 'sparse' }
  | { readonly kind: 'labels'; readonly classes: number };

export interface Leaf {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Distribution;
  readonly requiresGrad: boolean;
}

/** An argument of an op that is no tensor. */
export type Option = number | string | boolean | readonly number[] | null;
export type Options = Readonly<Record<string, Option>>;

/** An op of the table in `ops/`. Its inputs are names of tensors. */
export interface Op {
  readonly op: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly options: Options;
}

export type Statement =
  | { readonly do: 'op'; readonly out: string; readonly op: Op }
  | { readonly do: 'noGrad'; readonly body: readonly Statement[] }
  /** `keep` names the results that the scope returns. */
  | { readonly do: 'scope'; readonly body: readonly Statement[]; readonly keep: readonly string[] }
  | { readonly do: 'dispose'; readonly tensor: string }
  | { readonly do: 'read'; readonly tensor: string; readonly label: string }
  | Backward
  | { readonly do: 'requiresGrad'; readonly leaf: string; readonly on: boolean }
  /** Sets new values of a leaf, drawn with the number `draw`. */
  | { readonly do: 'set'; readonly leaf: string; readonly draw: number }
  /** Does the same in place to its gradient, if it has one. */
  | { readonly do: 'setGrad'; readonly leaf: string; readonly draw: number }
  | { readonly do: 'step'; readonly optimizer: number; readonly lr: number; readonly label: string }
  /** Drops the gradients of an optimizer's parameters, or of one leaf. */
  | { readonly do: 'zeroGrad'; readonly optimizer: number }
  | { readonly do: 'zeroGrad'; readonly leaf: string }
  | {
      readonly do: 'force';
      readonly conv2d?: Conv2dVariant;
      readonly linear?: LinearVariant;
      readonly matmul?: MatmulVariant;
    };

export interface Backward {
  readonly do: 'backward';
  readonly loss: string;
  readonly label: string;
  /** The number to draw a seed tensor with. Its `shape` is the loss's. */
  readonly draw?: number;
  readonly shape?: readonly number[];
  /** A seed given as a number instead. */
  readonly seed?: number;
  /** The fate of the seed tensor after backward. By default it is disposed at the end. */
  readonly afterwards?: 'dispose' | 'overwrite';
  readonly retainGraph?: boolean;
  /** Backward must throw: used-up graph, changed tensor, nothing requires a gradient, seed of another shape. */
  readonly fails?: 'used' | 'changed' | 'untracked' | 'misshaped';
}

export interface OptimizerSpec {
  readonly parameters: readonly string[];
  readonly momentum: number;
  readonly dampening: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
}

/** The adapter that the device claims to be: its own, a software adapter without subgroups, or a GPU. */
export type Claim = 'own' | 'plain' | 'gpu';
export const CLAIMS: readonly Claim[] = ['own', 'gpu', 'plain'];

export interface Program {
  /** The features of the engine that the program may use. */
  readonly can: Capabilities;
  /** The seed of all values. */
  readonly seed: number;
  /** How often values were drawn anew because some came near a kink. */
  readonly redraw: number;
  readonly device: Claim;
  readonly poison: 'nan' | 'large';
  readonly leaves: readonly Leaf[];
  readonly optimizers: readonly OptimizerSpec[];
  readonly statements: readonly Statement[];
  /** The tensors and optimizers to dispose at the end, in order. */
  readonly end: readonly string[];
}

/** Names of the tensors that an op reads. */
export const inputsOf = ({ inputs }: Op): string[] => Object.values(inputs);

/** All statements in the order in which they run. */
export function* walk(statements: readonly Statement[]): Generator<Statement> {
  for (const statement of statements) {
    yield statement;
    if (statement.do === 'scope' || statement.do === 'noGrad') yield* walk(statement.body);
  }
}

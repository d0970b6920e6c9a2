/**
 * A random program as plain data: leaves, and statements that compute, dispose, differentiate and train. `run.ts` runs
 * it on dawngrad, and `torch_programs.py` on PyTorch. A file with its JSON is enough to run it again.
 *
 * Every tensor has a name. Leaves are `x0` (data), `w3` (parameters), `s4` (running statistics) and `y5` (labels).
 * Results are `v5`, and `v5.2` in later steps. A statement that reports values has a label. Both sides report under
 * label and name.
 */
import type { Conv2dVariant } from '../../src/kernels/conv2d/choose.ts';
import type { LinearVariant } from '../../src/kernels/linear/choose.ts';
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

export type Extents = readonly [height: number, width: number];

export interface NormOptions {
  readonly training: boolean;
  readonly momentum: number;
  readonly eps: number;
  readonly relu: boolean;
}

/** An op. Its inputs are names. */
export type Op =
  | { readonly op: 'relu' | 'globalAvgPool2d' | 'flatten'; readonly input: string }
  | { readonly op: 'view'; readonly input: string; readonly shape: readonly number[] }
  | { readonly op: 'add'; readonly a: string; readonly b: string }
  | ({ readonly op: 'conv2d'; readonly input: string; readonly weight: string; readonly bias?: string } & Window)
  | ({ readonly op: 'batchNorm2d'; readonly input: string } & NormInputs & NormOptions)
  | ({ readonly op: 'conv2dBatchNorm2d'; readonly input: string; readonly kernel: string } & NormInputs &
      NormOptions &
      Window)
  | ({ readonly op: 'maxPool2d'; readonly input: string; readonly kernelSize: Extents } & Window)
  | { readonly op: 'linear'; readonly input: string; readonly weight: string; readonly bias?: string }
  | { readonly op: 'crossEntropy' | 'countCorrect'; readonly logits: string; readonly labels: string };

export interface Window {
  readonly stride: Extents;
  readonly padding: Extents;
}

export interface NormInputs {
  readonly weight: string;
  readonly bias: string;
  readonly runningMean: string;
  readonly runningVar: string;
  readonly residual?: string;
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
  | { readonly do: 'force'; readonly conv2d?: Conv2dVariant; readonly linear?: LinearVariant };

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
export function inputsOf(op: Op): string[] {
  switch (op.op) {
    case 'relu':
    case 'globalAvgPool2d':
    case 'flatten':
    case 'view':
    case 'maxPool2d':
      return [op.input];
    case 'add':
      return [op.a, op.b];
    case 'conv2d':
    case 'linear':
      return [op.input, op.weight, ...(op.bias === undefined ? [] : [op.bias])];
    case 'batchNorm2d':
      return [op.input, ...normInputs(op)];
    case 'conv2dBatchNorm2d':
      return [op.input, op.kernel, ...normInputs(op)];
    case 'crossEntropy':
    case 'countCorrect':
      return [op.logits, op.labels];
  }
}

function normInputs({ weight, bias, runningMean, runningVar, residual }: NormInputs): string[] {
  return [weight, bias, runningMean, runningVar, ...(residual === undefined ? [] : [residual])];
}

/** The inputs of an op that a gradient flows to. Labels, running statistics and inputs of counts get none. */
export function differentiableInputsOf(op: Op): string[] {
  if (op.op === 'view' || op.op === 'countCorrect') return [];
  if (op.op === 'crossEntropy') return [op.logits];
  const statistics = statisticsOf(op);
  return inputsOf(op).filter((name) => !statistics.includes(name));
}

/** The running statistics of a batch norm. */
export function statisticsOf(op: Op): string[] {
  return 'runningMean' in op ? [op.runningMean, op.runningVar] : [];
}

/** All statements in the order in which they run. */
export function* walk(statements: readonly Statement[]): Generator<Statement> {
  for (const statement of statements) {
    yield statement;
    if (statement.do === 'scope' || statement.do === 'noGrad') yield* walk(statement.body);
  }
}

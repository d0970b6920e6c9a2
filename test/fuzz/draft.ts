/**
 * Drafts are the random numbers that a program is built from. Any numbers give a valid program, because `build.ts`
 * takes each modulo the number of choices at its place. Smaller numbers give simpler programs, so fast-check can shrink
 * a failing one.
 */
import fc from 'fast-check';
import { OPS } from './ops/index.ts';
import { CLAIMS, type Claim } from './program.ts';

/** Tokens that are no ops. Blocks stay open for long, so they open rarely. */
const OTHERS = { carry: 3, scope: 5, noGrad: 3, close: 6, force: 6 } as const;

/** One op, or the start or end of a block. */
export interface Token {
  readonly kind: string;
  /** Index of the input tensor; 0 is the newest. */
  readonly at: number;
  /** Index of a second tensor. */
  readonly with: number;
  /** Channels or features of the result, or another choice. */
  readonly size: number;
  /** Window, or other settings. */
  readonly option: number;
  /** Bits. */
  readonly flags: number;
}

export interface InputDraft {
  readonly kind: 'images' | 'rows' | 'sequences' | 'vector';
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly requiresGrad: boolean;
  readonly values: 'uniform' | 'integers' | 'sparse';
}

export interface LossDraft {
  readonly at: number;
  readonly kind: 'crossEntropy' | 'seeded';
  /** 0: no seed for a single value; 1: a tensor; 2: a number. */
  readonly seed: number;
  /** 0: a seed tensor is kept; 1: disposed after backward; 2: overwritten. */
  readonly afterwards: number;
  /** Its backward runs in the next step, if that is legal. */
  readonly late: boolean;
  /** Its backward runs twice. */
  readonly twice: boolean;
}

export interface StepDraft {
  /** Bits: the inputs that get new values first. */
  readonly sets: number;
  /** Leaves to freeze or unfreeze first. */
  readonly toggles: readonly number[];
  /** When to dispose each result (see `build.ts`). */
  readonly fates: readonly number[];
  /** Bits: the results that are read before they are disposed. */
  readonly reads: number;
  /** Whether the whole step runs in a scope. */
  readonly scoped: boolean;
  /** Bits: the optimizers that step. */
  readonly optimize: number;
  readonly lr: number;
  /** Dropping gradients: 0 by the optimizers; 1 not at all, so that gradients add up; 2 of a single leaf. */
  readonly zero: number;
  /** The leaf whose gradient is changed in place; 0 for none. */
  readonly edit: number;
  readonly order: number;
}

export interface OptimizerDraft {
  /** Bits: the leaves to train; no bits mean all. */
  readonly parameters: number;
  readonly momentum: number;
  readonly dampening: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
}

export const EPILOGUES = ['none', 'used', 'untracked', 'changed', 'unfrozen', 'misshaped', 'disposed'] as const;

export interface Draft {
  readonly seed: number;
  readonly device: Claim;
  readonly poison: 'nan' | 'large';
  readonly inputs: readonly InputDraft[];
  readonly body: readonly Token[];
  readonly losses: readonly LossDraft[];
  readonly steps: readonly StepDraft[];
  readonly optimizers: readonly OptimizerDraft[];
  readonly epilogue: (typeof EPILOGUES)[number];
  readonly order: number;
}

/** The frequency of each token. */
const WEIGHTS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(Object.entries(OPS).map(([name, { weight }]) => [name, weight])),
  ...OTHERS,
};

const number = fc.nat(999);
const bits = fc.nat(255);
/** Seeds do not shrink, because a smaller one makes nothing simpler. */
const seed = fc.noShrink(fc.nat(0x7fffffff));

const token = fc.record<Token>({
  kind: fc.oneof(...Object.entries(WEIGHTS).map(([kind, weight]) => ({ weight, arbitrary: fc.constant(kind) }))),
  at: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: number }),
  with: number,
  size: number,
  option: number,
  flags: bits,
});

const input = fc.record<InputDraft>({
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant('images' as const) },
    { weight: 2, arbitrary: fc.constantFrom('rows' as const, 'sequences' as const, 'vector' as const) },
  ),
  batch: fc.integer({ min: 1, max: 4 }),
  channels: number,
  height: fc.integer({ min: 1, max: 9 }),
  width: fc.integer({ min: 1, max: 9 }),
  requiresGrad: fc.boolean(),
  values: fc.oneof(
    { weight: 6, arbitrary: fc.constant('uniform' as const) },
    { weight: 1, arbitrary: fc.constant('integers' as const) },
    { weight: 1, arbitrary: fc.constant('sparse' as const) },
  ),
});

const loss = fc.record<LossDraft>({
  at: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: number }),
  kind: fc.constantFrom('crossEntropy', 'seeded'),
  seed: fc.nat(2),
  afterwards: fc.nat(2),
  late: fc.boolean(),
  twice: fc.boolean(),
});

const step = fc.record<StepDraft>({
  sets: bits,
  toggles: fc.array(number, { maxLength: 2 }),
  fates: fc.array(fc.nat(5), { minLength: 1, maxLength: 8, size: 'max' }),
  reads: bits,
  scoped: fc.boolean(),
  optimize: fc.nat(3),
  lr: fc.nat(3),
  zero: fc.nat(2),
  edit: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: number }),
  order: seed,
});

const optimizer = fc.record<OptimizerDraft>({
  parameters: bits,
  momentum: fc.nat(2),
  dampening: fc.nat(2),
  nesterov: fc.boolean(),
  weightDecay: fc.nat(2),
});

export const drafts: fc.Arbitrary<Draft> = fc.record<Draft>({
  seed,
  device: fc.constantFrom(...CLAIMS),
  poison: fc.constantFrom('nan', 'large'),
  inputs: fc.array(input, { minLength: 1, maxLength: 3 }),
  body: fc.array(token, { minLength: 1, maxLength: 14, size: 'max' }),
  losses: fc.array(loss, { minLength: 1, maxLength: 3 }),
  steps: fc.array(step, { minLength: 1, maxLength: 4, size: 'max' }),
  optimizers: fc.array(optimizer, { maxLength: 2, size: 'max' }),
  epilogue: fc.oneof(
    { weight: 4, arbitrary: fc.constant('none' as const) },
    { weight: 2, arbitrary: fc.constantFrom(...EPILOGUES) },
  ),
  order: seed,
});

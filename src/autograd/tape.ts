/**
 * The tape. Every op that takes part in differentiation leaves an entry: its inputs, its output, the tensors its backward
 * will read, and backward itself. `backward(loss)` walks the entries from the last to the first and frees as it goes.
 */
import type { Gpu } from '../gpu/gpu.ts';
import { accumulate, fill } from '../kernels/elementwise.ts';
import { expectDType } from './errors.ts';
import { keep } from './scope.ts';
import type { Storage } from './storage.ts';
import { Tensor } from './tensor.ts';

/** What an op did, for `record`. */
export interface OpRecord {
  /** For errors. */
  readonly name: string;
  /** What it computed from, in the order in which `backward` gives their gradients. */
  readonly inputs: readonly Tensor[];
  /** A new tensor. */
  readonly output: Tensor;
  /** Tensors whose content backward reads; kept until it has run. Views of them are what backward gets to see. */
  readonly saved?: readonly Tensor[];
  /**
   * Gradients of the inputs, given the output's. `needs[i]` says whether input i wants one; where it does not, no kernel
   * should run and `undefined` stands in its place. The same tensor may be returned for several inputs.
   */
  readonly backward: (outputGrad: Tensor, needs: readonly boolean[]) => (Tensor | undefined)[];
}

interface Entry extends OpRecord {
  readonly kept: readonly Storage[];
}

const tapes = new WeakMap<Gpu, Entry[]>();
/** The tape that each result was recorded on: a result of a tape that was used up is no leaf, and leads nowhere. */
const madeOn = new WeakMap<Tensor, Entry[]>();
let noGradDepth = 0;

/** Runs `fn` without recording: what it computes has no gradient and keeps no activation. */
export function noGrad<T>(fn: () => T): T {
  noGradDepth++;
  try {
    return fn();
  } finally {
    noGradDepth--;
  }
}

/** Whether an op on these inputs would be recorded now. */
export function wouldRecord(inputs: readonly Tensor[]): boolean {
  return noGradDepth === 0 && inputs.some((input) => input.requiresGrad);
}

/** Called by every op with what it did. Returns the output, which requires a gradient if any input does. */
export function record(op: OpRecord): Tensor {
  if (!wouldRecord(op.inputs)) return op.output;
  const tape = tapes.get(op.output.gpu) ?? [];
  for (const input of op.inputs) {
    if (input.requiresGrad && isUsedUp(input, tape)) {
      throw new Error(
        `${op.name}: an input is the result of a graph that backward() or clearTape() used up, so its gradient would be ` +
          'lost. Compute it again, or pass its view() to go on without a gradient.',
      );
    }
  }
  op.output.requiresGrad = true;
  // The inputs' storages are not kept for being inputs: only what `saved` names is read again.
  const kept = (op.saved ?? []).map((tensor) => tensor.storage.retain());
  tapes.set(op.output.gpu, tape);
  tape.push({ ...op, kept });
  madeOn.set(op.output, tape);
  return op.output;
}

function isUsedUp(tensor: Tensor, tape: Entry[] | undefined): boolean {
  const made = madeOn.get(tensor);
  return made !== undefined && made !== tape;
}

/** Entries on the tape of a device: 0 after every backward. */
export function tapeLength(gpu: Gpu): number {
  return tapes.get(gpu)?.length ?? 0;
}

/** Forgets everything recorded on a device and frees what was kept for backward. */
export function clearTape(gpu: Gpu): void {
  for (const entry of tapes.get(gpu)?.splice(0) ?? []) for (const storage of entry.kept) storage.release();
  tapes.delete(gpu);
}

/**
 * Computes d(loss)/d(leaf) for every leaf that requires a gradient, adding to `leaf.grad`. `loss` has one element, unless
 * `seed` (its shape) gives the gradient to start from. Uses up the whole tape, also what did not lead to the loss.
 */
export function backward(loss: Tensor, seed?: Tensor): void {
  const { gpu } = loss;
  if (!seed && loss.size !== 1) {
    throw new RangeError(
      `backward() starts from one value, got shape [${loss.shape.join(', ')}]; give a seed gradient.`,
    );
  }
  if (!loss.requiresGrad) throw new Error('backward(): nothing that led to this tensor requires a gradient.');
  if (isUsedUp(loss, tapes.get(gpu))) {
    throw new Error('backward(): this graph was used up by an earlier backward() or clearTape(). Run forward again.');
  }
  if (seed) expectDType('backward', 'seed', seed, 'f32');
  const tape = tapes.get(gpu) ?? [];
  tapes.delete(gpu);
  const grads = new Map<Tensor, Tensor>();
  const produced = new Set(tape.map((entry) => entry.output));
  const start = keep(seed ? seed.view() : ones(loss));
  if (produced.has(loss)) grads.set(loss, start);
  else addToLeaf(loss, start);

  try {
    for (let entry = tape.pop(); entry; entry = tape.pop()) {
      try {
        propagate(entry, grads, produced);
      } finally {
        for (const storage of entry.kept) storage.release();
      }
    }
  } finally {
    // Empty unless an op's backward threw: then nothing may be left behind either.
    for (const entry of tape) for (const storage of entry.kept) storage.release();
    for (const grad of grads.values()) grad.dispose();
  }
}

/** Takes the gradient of an entry's output, if anything gave it one, and hands on those of its inputs. */
function propagate(entry: Entry, grads: Map<Tensor, Tensor>, produced: ReadonlySet<Tensor>): void {
  const outputGrad = grads.get(entry.output);
  if (!outputGrad) return;
  const needs = entry.inputs.map((input) => input.requiresGrad);
  const inputGrads = noGrad(() => entry.backward(outputGrad, needs));
  // One tensor may be returned for several inputs: each gets a view of its own, then the originals go.
  const owned = inputGrads.map((grad, i) => (grad && needs[i] ? keep(grad.view()) : undefined));
  for (const grad of new Set(inputGrads)) if (grad && grad !== outputGrad) grad.dispose();
  grads.delete(entry.output);
  outputGrad.dispose();
  entry.inputs.forEach((input, i) => {
    const grad = owned[i];
    if (!grad) return;
    if (produced.has(input)) grads.set(input, combine(grads.get(input), grad));
    else addToLeaf(input, grad);
  });
}

function addToLeaf(leaf: Tensor, grad: Tensor): void {
  leaf.grad = combine(leaf.grad, grad);
}

/** Sum of two gradients; takes over both. In place where nobody else sees the first. */
function combine(sum: Tensor | undefined, grad: Tensor): Tensor {
  if (!sum) return grad;
  let target = sum;
  if (!sum.storage.exclusive) {
    target = keep(Tensor.empty(sum.gpu, sum.shape));
    sum.gpu.copy(sum.buffer, target.buffer, sum.size * 4);
    sum.dispose();
  }
  accumulate(target.gpu, target.size, grad.buffer, target.buffer);
  grad.dispose();
  return target;
}

function ones(like: Tensor): Tensor {
  const tensor = Tensor.empty(like.gpu, like.shape);
  fill(like.gpu, like.size, 1, tensor.buffer);
  return tensor;
}

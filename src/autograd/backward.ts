/** Backward: from a result through its graph to the leaves, last op first. It frees memory on the way. */
import { accumulate, fill } from '../kernels/elementwise/arithmetic.ts';
import { readingOnly } from './backward-reads.ts';
import {
  DTypeError,
  expectDType,
  expectShape,
  expectTensor,
  expectUsable,
  formatShape,
  GraphError,
  OptionError,
  ShapeError,
} from './errors.ts';
import { type Edge, Entry, entryOf, noGrad } from './graph.ts';
import { checkNames, flag } from './options.ts';
import { keep, scope } from './scope.ts';
import { Storage } from './storage.ts';
import { Tensor } from './tensor.ts';

/** Options of `backward`. */
export interface BackwardOptions {
  /**
   * The gradient of the result, in its shape, or one value for every element. 1 by default, for a result of one
   * element.
   */
  readonly seed?: Tensor | number;
  /** Keeps the graph, so it can run backward again. Off by default: its memory is freed on the way. */
  readonly retainGraph?: boolean;
}

/**
 * Computes d(result)/d(leaf) for every leaf that the result depends on and that requires a gradient, and adds it to
 * `leaf.grad`. Uses up the graph, unless `retainGraph` is set; other graphs stay.
 * @param options or the seed alone
 * @throws GraphError, before any computation, if nothing requires a gradient, the graph was used up, or a saved tensor
 *   has changed
 * @throws RangeError for several values without a seed
 * @throws ShapeError, DTypeError for a gradient that does not fit
 */
export function backward(result: Tensor, options: BackwardOptions | Tensor | number = {}): void {
  const { seed, retainGraph = false }: BackwardOptions =
    options instanceof Tensor || typeof options === 'number' ? { seed: options } : checked(options);
  expectTensor('backward', 'the result', result);
  expectUsable('backward', { 'the result': result });
  if (!result.requiresGrad) {
    throw new GraphError(
      'backward(): nothing that led to this tensor requires a gradient. Set requiresGrad on a leaf, and compute ' +
        'outside noGrad().',
    );
  }
  const entry = entryOf(result);
  const order = entry ? reachable(entry) : [];
  checkUnchanged(order);
  const start = startingGradient(result, seed);
  if (!entry) {
    addToLeaf(result, start);
    return;
  }
  const grads = new Map<Entry, Tensor>([[entry, start]]);
  // A used-up entry drops its references to earlier entries, which still have to run.
  for (const { memory } of order) memory.retain();
  try {
    for (const one of order) {
      propagate(one, grads);
      if (!retainGraph) one.useUp();
    }
  } finally {
    for (const { memory } of order) memory.release();
    // Empty unless an op's backward threw.
    for (const grad of grads.values()) grad.dispose();
  }
}

function checked(options: BackwardOptions): BackwardOptions {
  checkNames('backward()', options, { seed: true, retainGraph: true });
  const { seed, retainGraph = false } = options;
  flag('backward()', 'retainGraph', retainGraph);
  if (seed === undefined || typeof seed === 'number' || seed instanceof Tensor) return options;
  throw new OptionError(`backward(): seed must be a tensor or a number, got type ${typeof seed}.`);
}

/** The entry and all entries that it was computed from, last first. */
function reachable(entry: Entry): Entry[] {
  const found = new Set([entry]);
  // The set grows while this loop walks it.
  for (const { edges } of found) {
    for (const { from } of edges) if (from instanceof Entry) found.add(from);
  }
  return [...found].sort((a, b) => b.order - a.order);
}

function checkUnchanged(entries: readonly Entry[]): void {
  for (const { op, backward, saved } of entries) {
    if (!backward) {
      throw new GraphError(
        `backward(): the graph was used up at ${op} by an earlier backward(). Compute the result again, or pass ` +
          '{ retainGraph: true } to the earlier one.',
      );
    }
    for (const { name, storage, version } of saved) {
      if (storage.version === version) continue;
      throw new GraphError(
        `backward(): ${op} saved ${name} at version ${version} for its gradient, but it has changed since: it is at ` +
          `version ${storage.version}. Change tensors after backward(), or compute the result again.`,
      );
    }
  }
}

function startingGradient(result: Tensor, seed: Tensor | number | undefined): Tensor {
  if (seed instanceof Tensor) {
    expectShape('backward', 'seed', seed, result.shape);
    expectDType('backward', 'seed', seed, 'f32');
    expectUsable('backward', { 'the result': result, seed });
    return keep(seed.detach());
  }
  if (seed === undefined && result.size !== 1) {
    throw new RangeError(
      `backward() starts from one value, got shape ${formatShape(result.shape)}. Pass a seed gradient.`,
    );
  }
  const start = keep(Tensor.empty(result.gpu, result.shape));
  fill(result.gpu, result.size, seed ?? 1, start.buffer);
  return start;
}

/** Takes the gradient of an entry's output, if there is one, and passes on the gradients of its inputs. */
function propagate(entry: Entry, grads: Map<Entry, Tensor>): void {
  const outputGrad = grads.get(entry);
  if (!outputGrad) return;
  const needs = entry.edges.map(({ from }) => from instanceof Entry || isOpenLeaf(from));
  scope(() => {
    const since = Storage.made;
    const readable = new Set([outputGrad.storage, ...entry.saved.map(({ storage }) => storage)]);
    const inputGrads = readingOnly(entry.op, readable, () => noGrad(() => entry.backward!(outputGrad, needs)));
    checkGradients(entry, inputGrads, outputGrad, needs);
    // Backward may return one tensor for several inputs. Each input gets its own view, and the scope disposes the
    // originals.
    const handed = inputGrads.map((grad, i) => (grad && needs[i] ? keep(grad.detach()) : undefined));
    grads.delete(entry);
    // The scope disposes what else was made. A tensor of the op's owner, such as a constant gradient, stays.
    for (const grad of new Set(inputGrads)) {
      if (grad && (grad.storage.serial >= since || grad.storage === outputGrad.storage)) grad.dispose();
    }
    outputGrad.dispose();
    handed.forEach((grad, i) => {
      if (grad) handOn(entry.edges[i]!.from!, grad, grads);
    });
  });
}

function handOn(to: Entry | Tensor, grad: Tensor, grads: Map<Entry, Tensor>): void {
  if (to instanceof Entry) grads.set(to, combine(grads.get(to), grad));
  else addToLeaf(to, grad);
}

/** Whether a leaf takes a gradient. One that was frozen or disposed since takes none. */
function isOpenLeaf(leaf: Edge['from']): boolean {
  return leaf instanceof Tensor && leaf.requiresGrad && !leaf.disposed;
}

/** Checks that the gradients that an op's backward returned fit its inputs. */
function checkGradients(
  { op, edges }: Entry,
  inputGrads: readonly (Tensor | undefined)[],
  outputGrad: Tensor,
  needs: readonly boolean[],
): void {
  const listed = Array.isArray(inputGrads);
  if (!listed || inputGrads.some((grad, i) => grad !== undefined && i >= edges.length)) {
    const found = listed ? `${inputGrads.length} gradients` : `type ${typeof inputGrads}`;
    throw new GraphError(
      `${op}: backward must return a list of gradients, one for each of its ${edges.length} inputs, got ${found}.`,
    );
  }
  edges.forEach(({ name, shape }, i) => {
    const grad = inputGrads[i];
    if (grad === undefined || !needs[i]) return;
    if (!(grad instanceof Tensor)) {
      throw new GraphError(`${op}: backward must return tensors, got type ${typeof grad} for ${name}.`);
    }
    expectUsable(op, { outputGrad, [`the gradient of ${name}`]: grad });
    if (grad.dtype !== 'f32') {
      throw new DTypeError(`${op}: backward gave ${name} a gradient of type ${grad.dtype}, but it must be f32.`);
    }
    if (grad.shape.length !== shape.length || grad.shape.some((extent, axis) => extent !== shape[axis])) {
      const [found, expected] = [formatShape(grad.shape), formatShape(shape)];
      throw new ShapeError(`${op}: backward gave ${name} a gradient of shape ${found}, but it must have ${expected}.`);
    }
  });
}

/** A leaf's gradient has memory of its own: its owner may change it, and that of the seed or of another leaf stays. */
function addToLeaf(leaf: Tensor, grad: Tensor): void {
  leaf.grad = leaf.grad ? combine(leaf.grad, grad) : owned(grad);
}

/** The gradient, or a copy of it where somebody else sees its memory. Takes it over. */
function owned(grad: Tensor): Tensor {
  if (grad.storage.exclusive) return grad;
  const copy = keep(Tensor.empty(grad.gpu, grad.shape));
  grad.gpu.copy(grad.buffer, copy.buffer, grad.size * 4);
  grad.dispose();
  return copy;
}

/** Sum of two gradients; takes ownership of both. Adds in place if nothing else refers to the first. */
function combine(sum: Tensor | undefined, grad: Tensor): Tensor {
  if (!sum) return grad;
  const target = owned(sum);
  accumulate(target.gpu, target.size, grad.buffer, target.buffer);
  grad.dispose();
  return target;
}

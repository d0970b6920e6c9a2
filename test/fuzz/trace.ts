/**
 * Notes for finite differences: the ops that each backward goes through, and copies of the tensors that they read,
 * except results of these ops. Gradients flow as the program says, independently of the engine.
 */

import type { DType } from '../../src/autograd/dtype.ts';
import { keep, noGrad, scope, Tensor } from '../../src/autograd/index.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { Capabilities } from './capabilities.ts';
import { cutsGradient, differentiableInputsOf, movedBy, runOp } from './ops/index.ts';
import { inputsOf, type Op, type Program } from './program.ts';
import type { Values } from './values.ts';

/** An op with its inputs: results of other ops by name, copies of everything else. */
interface Node extends Inputs {
  readonly out: string;
  readonly op: Op;
}

interface Inputs {
  /** The inputs that a gradient flows to. */
  readonly tracked: readonly string[];
  readonly copies: ReadonlyMap<string, Tensor>;
}

/** A leaf that a gradient flows to. */
export interface TracedLeaf {
  readonly name: string;
  readonly values: Float32Array<ArrayBuffer>;
  /** The gradient of this backward alone; undefined where the leaf has none. */
  readonly gradient: Float64Array | undefined;
  /** The rounding error of `gradient`, which was added to an earlier gradient. */
  readonly rounding: number;
}

/** One backward, ready to be compared with finite differences. */
export interface TracedBackward {
  readonly loss: string;
  /** The seed gradient. */
  readonly weights: Float32Array;
  readonly leaves: readonly TracedLeaf[];
  /** Starts to compute the loss with other values for one leaf. */
  readonly evaluate: (leaf?: string, values?: Float32Array<ArrayBuffer>) => () => Promise<Values>;
}

type Reading = (() => Promise<Values>) | undefined;

interface Started {
  readonly loss: string;
  readonly weights: Float32Array;
  readonly nodes: readonly Node[];
  readonly leaves: readonly {
    readonly name: string;
    readonly values: () => Promise<Values>;
    readonly before: Reading;
    after: Reading;
  }[];
}

export class Trace {
  readonly #gpu: Gpu;
  readonly #on: boolean;
  readonly #can: Capabilities;
  readonly #get: (name: string) => Tensor;
  readonly #leaves: ReadonlySet<string>;
  readonly #frozen: Set<string>;
  readonly #nodes = new Map<string, Node>();
  /** Copies of tensors that have not changed since. */
  readonly #fresh = new Map<string, Tensor>();
  readonly #copies: Tensor[] = [];
  readonly #started: Started[] = [];
  #recording = true;

  constructor(gpu: Gpu, on: boolean, { leaves, can }: Program, get: (name: string) => Tensor) {
    this.#gpu = gpu;
    this.#on = on;
    this.#can = can;
    this.#get = get;
    this.#leaves = new Set(leaves.map(({ name }) => name));
    this.#frozen = new Set(leaves.filter(({ requiresGrad }) => !requiresGrad).map(({ name }) => name));
  }

  withoutGradients(run: () => void): void {
    const was = this.#recording;
    this.#recording = false;
    try {
      run();
    } finally {
      this.#recording = was;
    }
  }

  freeze(leaf: string, frozen: boolean): void {
    if (frozen) this.#frozen.add(leaf);
    else this.#frozen.delete(leaf);
  }

  /** Call this when the content of any tensor was replaced. */
  changed(): void {
    this.#fresh.clear();
  }

  /** Copies the inputs of an op before it runs, if a gradient will flow through it. */
  before(op: Op): Inputs | undefined {
    if (!this.#on || !this.#recording) return undefined;
    const flows = (name: string) => this.#nodes.has(name) || (this.#leaves.has(name) && !this.#frozen.has(name));
    const tracked = differentiableInputsOf(op).filter(flows);
    if (tracked.length === 0) return undefined;
    const others = inputsOf(op).filter((name) => !this.#nodes.has(name));
    return { tracked, copies: new Map(others.map((name) => [name, this.#copyOf(name)])) };
  }

  after(out: string, op: Op, inputs: Inputs | undefined): void {
    if (inputs) this.#nodes.set(out, { out, op, ...inputs });
    if (movedBy(op).length > 0) this.changed();
  }

  /** Notes the ops of a backward before it runs. Call `gradients` after it. */
  backward(loss: string, weights: Float32Array, leaves: readonly (readonly [string, Tensor])[]) {
    if (!this.#on) return undefined;
    const nodes: Node[] = [];
    const reached = new Set<string>();
    this.#reach(loss, nodes, reached);
    // Finite differences say nothing about what lies behind a gradient that is cut.
    const cut = new Set<string>();
    for (const { op, tracked } of nodes) {
      if (cutsGradient(op)) for (const input of tracked) this.#reach(input, [], cut);
    }
    const found = leaves
      .filter(([name]) => reached.has(name) && !cut.has(name))
      .map(([name, leaf]) => ({
        name,
        values: startReading(leaf, this.#can),
        before: leaf.grad && startReading(leaf.grad, this.#can),
        after: undefined as Reading,
      }));
    this.#started.push({ loss, weights, nodes, leaves: found });
    return {
      gradients: () => {
        for (const one of found) {
          const { grad } = this.#get(one.name);
          one.after = grad && startReading(grad, this.#can);
        }
      },
    };
  }

  /** The ops that lead to a result, in their order, and the leaves that a gradient reaches. */
  #reach(name: string, nodes: Node[], reached: Set<string>): void {
    if (reached.has(name)) return;
    reached.add(name);
    const node = this.#nodes.get(name);
    if (!node) return;
    for (const input of node.tracked) this.#reach(input, nodes, reached);
    nodes.push(node);
  }

  async backwards(): Promise<TracedBackward[]> {
    const backwards: TracedBackward[] = [];
    for (const { loss, weights, nodes, leaves } of this.#started) {
      const traced: TracedLeaf[] = [];
      for (const { name, values, before, after } of leaves) {
        const start = (await values()) as Float32Array<ArrayBuffer>;
        const [old, sum] = [await before?.(), await after?.()];
        const gradient = sum && Float64Array.from(sum, (value, i) => value - (old?.[i] ?? 0));
        const rounding = 2 ** -23 * Math.hypot(...(old ?? []));
        traced.push({ name, values: start, gradient, rounding });
      }
      const evaluate: TracedBackward['evaluate'] = (leaf, values) => {
        // Backward started from the leaf itself.
        if (nodes.length === 0) return async () => values ?? traced[0]!.values;
        return this.#evaluate(loss, nodes, leaf, values);
      };
      backwards.push({ loss, weights, leaves: traced, evaluate });
    }
    return backwards;
  }

  #evaluate(
    loss: string,
    nodes: readonly Node[],
    leaf?: string,
    values?: Float32Array<ArrayBuffer>,
  ): () => Promise<Values> {
    return scope(() =>
      noGrad(() => {
        const shape = leaf === undefined ? undefined : this.#get(leaf).shape;
        const changed = values && Tensor.from(this.#gpu, values, shape!);
        const results = new Map<string, Tensor>();
        for (const { out, op, copies } of nodes) {
          const moved = movedBy(op);
          const result = runOp(op, (name) => {
            if (name === leaf && changed) return changed;
            const copy = copies.get(name);
            if (!copy) return results.get(name)!;
            // Training moves the statistics, and the next evaluation needs the old ones.
            return moved.includes(name) ? this.#duplicate(copy) : copy;
          });
          results.set(out, result);
        }
        return startReading(results.get(loss)!, this.#can);
      }),
    );
  }

  #copyOf(name: string): Tensor {
    let copy = this.#fresh.get(name);
    if (!copy) {
      copy = keep(this.#duplicate(this.#get(name)));
      this.#copies.push(copy);
      this.#fresh.set(name, copy);
    }
    return copy;
  }

  #duplicate({ shape, dtype, size, buffer }: Tensor): Tensor {
    const copy = Tensor.empty(this.#gpu, shape, dtype);
    this.#gpu.copy(buffer, copy.buffer, size * 4);
    return copy;
  }

  release(): void {
    for (const copy of this.#copies.splice(0)) copy.dispose();
  }
}

/** Starts to read a tensor with its current content. */
export function startReading(tensor: Tensor<DType>, can: Capabilities): () => Promise<Values> {
  if (tensor.dtype === 'u32' && can.readingU32) {
    const values: Promise<unknown> = tensor.data();
    // The error is thrown where the promise is awaited, if it still is.
    values.catch(() => {});
    return async () => (await values) as Uint32Array<ArrayBuffer>;
  }
  const readback = tensor.readback();
  return async () => {
    const bytes = await readback.get();
    return tensor.dtype === 'u32' ? new Uint32Array(bytes) : new Float32Array(bytes);
  };
}

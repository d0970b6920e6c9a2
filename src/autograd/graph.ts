/**
 * The graph behind a result. Every differentiable op leaves an entry: the sources of its inputs, the tensors that its
 * backward will read, and the backward function. The entry belongs to the op's result. It lives as long as the result,
 * or anything computed from it. So several graphs may be alive at once, and an unreachable one is freed.
 */

import type { Gpu } from '../gpu/gpu.ts';
import type { DType } from './dtype.ts';
import { expectUsable, GraphError } from './errors.ts';
import { GraphMemory } from './holdings.ts';
import { isRecording } from './recording.ts';
import type { Storage } from './storage.ts';
import type { Shape, Tensor } from './tensor.ts';
import { isTracing, tell } from './tracing.ts';

/** Describes an op for `record`. */
export interface OpRecord {
  /** For errors and reports. */
  readonly name: string;
  /** The inputs, in the order in which `backward` returns their gradients. If they have names, errors use them. */
  readonly inputs: readonly Tensor[] | Readonly<Record<string, Tensor | undefined>>;
  /** A new tensor. */
  readonly output: Tensor;
  /** Operands without a gradient, by name: indices, running statistics, numbers in a tensor's place. For exports. */
  readonly constants?: Readonly<Record<string, Tensor<DType> | number>>;
  /** What else decides the result, by name, with defaults filled in. For exports; `{}` if nothing does. */
  readonly options?: Readonly<Record<string, unknown>>;
  /**
   * Tensors whose content backward reads. The graph keeps them until backward has run, even if they are disposed
   * before.
   */
  readonly saved?: readonly Tensor<DType>[];
  /**
   * Computes the gradients of the inputs from the output's. `needs[i]` says whether input i requires one. If it does
   * not, run no kernel for it and return `undefined` in its place. The same tensor may be returned for several inputs.
   */
  readonly backward: (outputGrad: Tensor, needs: readonly boolean[]) => readonly (Tensor | undefined)[];
}

/** The source of an input: the entry of another result, or a leaf. */
export interface Edge {
  /** Its name in messages. */
  readonly name: string;
  readonly shape: Shape;
  /** Undefined if the input required no gradient. */
  readonly from: Entry | Tensor | undefined;
}

interface Saved {
  /** Its name in messages. */
  readonly name: string;
  readonly storage: Storage;
  /** The storage's version when the op read or wrote it. */
  readonly version: number;
}

/** One op of a graph. */
export class Entry {
  readonly op: string;
  readonly edges: readonly Edge[];
  readonly saved: readonly Saved[];
  readonly memory: GraphMemory;
  /** Increases with every recorded op. */
  readonly order = recorded++;
  /** Undefined once it was used up. */
  backward: OpRecord['backward'] | undefined;

  constructor(op: OpRecord, inputs: readonly NamedInput[], edges: readonly Edge[]) {
    const { gpu } = op.output;
    this.op = op.name;
    this.edges = edges;
    this.backward = op.backward;
    this.saved = (op.saved ?? []).map((tensor) => {
      const input = inputs.find(([, one]) => one.storage === tensor.storage)?.[0];
      const name = input ?? (tensor.storage === op.output.storage ? 'its output' : 'a tensor of its own');
      return { name, storage: tensor.storage, version: tensor.storage.version };
    });
    const parents = edges.flatMap(({ from }) => (from instanceof Entry ? [from.memory] : []));
    live.set(gpu, graphSize(gpu) + 1);
    const storages = this.saved.map(({ storage }) => storage);
    this.memory = new GraphMemory(storages, parents, () => live.set(gpu, graphSize(gpu) - 1));
  }

  /** Frees the saved memory. An op that saved nothing can run again, as in torch. */
  useUp(): void {
    if (this.saved.length === 0) return;
    this.backward = undefined;
    this.memory.useUp();
  }
}

export { noGrad } from './recording.ts';

let recorded = 0;
const live = new WeakMap<Gpu, number>();
const entries = new WeakMap<Tensor, Entry>();

/** The entry of the op that computed this tensor; none for a leaf, or for a tensor computed without a gradient. */
export function entryOf(tensor: Tensor): Entry | undefined {
  return entries.get(tensor);
}

/** Number of a device's entries that can still run backward. */
export function graphSize(gpu: Gpu): number {
  return live.get(gpu) ?? 0;
}

/** Whether an op on these inputs would be recorded now. */
export function wouldRecord(inputs: readonly Tensor[]): boolean {
  return isRecording() && inputs.some((input) => input.requiresGrad);
}

/** Throws GraphError if the tensor requires a gradient, which the op does not compute for it. */
export function expectConstant(op: string, name: string, tensor: Tensor): void {
  if (!wouldRecord([tensor])) return;
  throw new GraphError(`${op}: ${name} requires a gradient, which this op does not compute. Pass its detach().`);
}

/**
 * Records an op; every op calls it. Returns the output, which requires a gradient if any input does.
 * @throws GraphError if the output is not a new tensor
 * @throws DisposedTensorError or DeviceMismatchError for an input that is disposed or on another device
 */
export function record(op: OpRecord): Tensor {
  const { output } = op;
  const inputs = namedInputs(op.inputs);
  expectUsable(op.name, { ...Object.fromEntries(inputs), output });
  if (entries.has(output) || inputs.some(([, input]) => input === output)) {
    throw new GraphError(`${op.name}: the output must be a new tensor. Return a detach() of an input, or a copy.`);
  }
  output.holdings.label = op.name;
  if (isTracing()) {
    // An elementwise op names all its operands among the constants, in their order.
    tell({ name: op.name, inputs: { ...op.constants, ...Object.fromEntries(inputs) }, options: op.options, output });
  }
  if (!wouldRecord(inputs.map(([, input]) => input))) return output;
  const edges = inputs.map(([name, input]): Edge => {
    const from = input.requiresGrad ? (entries.get(input) ?? input) : undefined;
    return { name, shape: input.shape, from };
  });
  const entry = new Entry(op, inputs, edges);
  output.requiresGrad = true;
  output.holdings.graph = entry.memory;
  entries.set(output, entry);
  return output;
}

type NamedInput = [name: string, input: Tensor];

function namedInputs(inputs: OpRecord['inputs']): NamedInput[] {
  if (Array.isArray(inputs)) return (inputs as Tensor[]).map((input, i) => [`input ${i}`, input]);
  const named = Object.entries(inputs as Readonly<Record<string, Tensor | undefined>>);
  return named.filter((entry): entry is NamedInput => entry[1] !== undefined);
}

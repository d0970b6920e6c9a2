/** Writes down the ops of one forward pass: which results each takes, and what stays the same from call to call. */
import type { DType } from '../../autograd/dtype.ts';
import { formatShape } from '../../autograd/errors.ts';
import { noGrad } from '../../autograd/graph.ts';
import { scope } from '../../autograd/scope.ts';
import { Storage } from '../../autograd/storage.ts';
import { type Shape, Tensor } from '../../autograd/tensor.ts';
import { type Operation, traceOps } from '../../autograd/tracing.ts';
import type { Gpu, Readback } from '../../gpu/gpu.ts';
import { OnnxExportError } from './errors.ts';

/** Where a value comes from: the graph's input, an entry of the state dict, a constant, or the result of an op. */
export type Source =
  | { readonly kind: 'input' }
  | { readonly kind: 'state'; readonly name: string }
  | { readonly kind: 'constant' | 'result'; readonly index: number };

/** An op with the sources of its operands. */
export interface RecordedOp {
  readonly name: string;
  readonly inputs: ReadonlyMap<string, Source | number>;
  readonly options: Operation['options'];
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A tensor that no op made: a table, a mask. */
export interface Constant {
  readonly shape: Shape;
  readonly dtype: DType;
  /** Its values, being read; a tensor made in the forward pass may be freed after it. */
  readonly values: Readback;
}

/** A forward pass. */
export interface Recording {
  readonly operations: readonly RecordedOp[];
  readonly constants: readonly Constant[];
  readonly output: Source;
}

/** What computes a tensor from one, and the tensors that it keeps, by name. */
export interface Recorded {
  readonly gpu: Gpu;
  readonly call: (input: Tensor) => Tensor;
  readonly state: ReadonlyMap<string, Tensor>;
}

/** How tensors are called that were given their values from outside, and not by a kernel. */
const MADE_FROM_VALUES = ['Tensor.from', 'Tensor.zeros'];

/**
 * Runs a forward pass on zeros of this shape, and writes it down.
 * @throws OnnxExportError if an op takes a tensor whose origin is unknown, or the result is none of the pass
 */
export function recordCall({ gpu, call, state }: Recorded, shape: Shape, dtype: 'f32' | 'u32'): Recording {
  const recorder = new Recorder(state);
  return scope(() =>
    noGrad(() => {
      const input = dtype === 'f32' ? Tensor.zeros(gpu, shape) : Tensor.from(gpu, zeros(shape), shape);
      // Its ops take it as f32 or not at all, so its type needs no care here.
      recorder.know(input, { kind: 'input' });
      const output: unknown = traceOps(
        (operation) => recorder.add(operation),
        () => call(input as Tensor),
      );
      if (!(output instanceof Tensor)) {
        throw new OnnxExportError('The model must return one tensor to be exported. Wrap it in a function that does.');
      }
      return recorder.finish(output);
    }),
  );
}

const zeros = (shape: Shape) => new Uint32Array(shape.reduce((product, extent) => product * extent, 1));

class Recorder {
  readonly #operations: RecordedOp[] = [];
  readonly #constants: Constant[] = [];
  readonly #sources = new Map<string, Source>();
  /** Tensors with a storage from here on were made in the pass. */
  readonly #since = Storage.made;

  constructor(state: ReadonlyMap<string, Tensor>) {
    for (const [name, tensor] of state) this.know(tensor, { kind: 'state', name });
  }

  /** By storage and shape: `detach` makes other tensors of the same values, and a reshape shares their storage. */
  know(tensor: Tensor<DType>, source: Source): void {
    this.#sources.set(keyOf(tensor), source);
  }

  add({ name, inputs, options, output }: Operation): void {
    const sources = Object.entries(inputs).map(
      ([input, value]) => [input, typeof value === 'number' ? value : this.#sourceOf(name, value)] as const,
    );
    this.know(output, { kind: 'result', index: this.#operations.length });
    const { shape, dtype } = output;
    this.#operations.push({ name, inputs: new Map(sources), options, shape, dtype });
  }

  finish(output: Tensor): Recording {
    return { operations: this.#operations, constants: this.#constants, output: this.#sourceOf('The result', output) };
  }

  #sourceOf(taker: string, tensor: Tensor<DType>): Source {
    const known = this.#sources.get(keyOf(tensor));
    if (known) return known;
    const { shape, dtype, holdings, storage } = tensor;
    if (storage.serial >= this.#since && !MADE_FROM_VALUES.includes(holdings.label)) {
      throw new OnnxExportError(
        `${taker}: a tensor of shape ${formatShape(shape)} (${holdings.label}) was computed by something that does not ` +
          'tell of itself. Compute it by ops of the library, or call record() in yours, and give `ops` a mapping.',
      );
    }
    const source: Source = { kind: 'constant', index: this.#constants.length };
    this.#constants.push({ shape, dtype, values: tensor.readback() });
    this.know(tensor, source);
    return source;
  }
}

const keyOf = ({ storage, shape }: Tensor<DType>) => `${storage.serial}:${shape.join()}`;

/** One node of an ONNX graph as its op sees it: inputs as tensors or as numbers on the host, attributes with defaults. */

import { type DType, Tensor } from '../autograd/index.ts';
import type { RandomWords } from '../autograd/ops/dropout.ts';
import { DawngradError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { type HostTensor, toHost } from './host-tensor.ts';
import type { OnnxAttribute, OnnxNode, OnnxType } from './types.ts';

/** Values on the device, or values of the files, which reach the device where an op needs them. */
export type Value = Tensor<DType> | HostTensor;

/** What an ONNX op does with our ops. It may return values for the first outputs only. */
export type Op = (call: Call) => Value | readonly Value[];

/** A node cannot be said with the engine's ops; the message is the reason. */
export class NotExpressible extends DawngradError {
  override name = 'NotExpressible';
}

const INTEGERS: ReadonlySet<OnnxType> = new Set(['i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'u64']);

const LARGEST_F32 = (2 - 2 ** -23) * 2 ** 127;

/** Elements of a tensor that a node may ask for by numbers alone: more is no network, and would not fit. */
const MOST_ELEMENTS = 2 ** 28;

/** Whether the host knows the value, and it holds integers or truth values. */
export function isHostInteger(value: Value | undefined): value is HostTensor {
  return value !== undefined && !(value instanceof Tensor) && (INTEGERS.has(value.type) || value.type === 'bool');
}

/** @throws NotExpressible if a node asks for a tensor of a size that no network has */
export function checkSize(shape: readonly number[]): void {
  const size = shape.reduce((product, extent) => product * extent, 1);
  if (!(size >= 0 && size <= MOST_ELEMENTS)) throw new NotExpressible(`a tensor of ${size} values`);
}

/** The tensors on the device that were made of values of the host. */
export interface Uploads {
  /** The tensor of this value and type, which `make` makes if there is none yet. */
  get(value: HostTensor, dtype: DType, make: () => Tensor<DType>): Tensor<DType>;
}

/** What the nodes of a graph share while it runs. */
export interface GraphRun {
  readonly gpu: Gpu;
  /** The version of ONNX's operators. */
  readonly version: number;
  readonly uploads: Uploads;
  /** Whether batch norms and dropout train; without it each node says it itself. */
  readonly training?: boolean;
  /** Gives the masks of dropout in training. */
  readonly random?: RandomWords | undefined;
  /** Pictures of the batch, and those for which the file was written, if it was for a fixed number. */
  readonly batch?: { readonly size: number; readonly declared: number | undefined };
}

/** A node with its inputs. What is asked of it names its kind: `float`, `mask`, `numbers`. */
export class Call {
  readonly gpu: Gpu;
  readonly run: GraphRun;
  /** Outputs that are asked for: trailing ones may be left out. */
  readonly outputs: number;
  readonly inputs: readonly (Value | undefined)[];
  /** The version of ONNX's operators. */
  readonly version: number;
  readonly #attributes: OnnxNode['attributes'];

  constructor({ outputs, attributes }: OnnxNode, inputs: readonly (Value | undefined)[], run: GraphRun) {
    this.gpu = run.gpu;
    this.run = run;
    this.version = run.version;
    this.outputs = outputs.length;
    this.inputs = inputs;
    this.#attributes = attributes;
  }

  has(index: number): boolean {
    return this.inputs[index] !== undefined;
  }

  value(index: number): Value {
    const value = this.inputs[index];
    if (!value) throw new NotExpressible(`a missing input ${index}`);
    return value;
  }

  /** An f32 tensor. Values in double precision are rounded. */
  float(index: number): Tensor {
    const value = this.value(index);
    if (value instanceof Tensor) {
      if (value.dtype === 'f32') return value as Tensor;
      throw new NotExpressible(`arithmetic on ${value.dtype}`);
    }
    if (!['f32', 'f64', 'f16'].includes(value.type)) throw new NotExpressible(`arithmetic on ${value.type}`);
    return this.#upload(value, 'f32') as Tensor;
  }

  /** A tensor whose values an op only moves: integers and truth values too. */
  any(index: number): Tensor {
    const value = this.value(index);
    if (value instanceof Tensor) return value as Tensor;
    if (!isHostInteger(value)) return this.float(index);
    const signed = value.type.startsWith('i');
    const [least, most] = signed ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1];
    if (value.values.some((number) => number < least || number > most)) throw new NotExpressible('values of 64 bits');
    // The ops that move values give the type that they take, but most of a table's ops name f32.
    return this.#upload(value, signed ? 'i32' : 'u32') as Tensor<DType> as Tensor;
  }

  /** An f32 tensor of numbers of any type. */
  real(index: number): Tensor {
    const value = this.value(index);
    return isHostInteger(value) ? (this.#upload(value, 'f32') as Tensor) : this.float(index);
  }

  /** An f32 tensor, or undefined if the input is left out. */
  optional(index: number): Tensor | undefined {
    return this.has(index) ? this.float(index) : undefined;
  }

  /** All inputs as f32 tensors. */
  floats(): Tensor[] {
    return this.inputs.map((_, index) => this.float(index));
  }

  /** A u32 tensor of zeros and ones. */
  mask(index: number): Tensor<'u32'> {
    const value = this.value(index);
    if (value instanceof Tensor ? value.dtype !== 'u32' : value.type !== 'bool') {
      throw new NotExpressible(`a condition of type ${value instanceof Tensor ? value.dtype : value.type}`);
    }
    return (value instanceof Tensor ? value : this.#upload(value, 'u32')) as Tensor<'u32'>;
  }

  /** Values that decide shapes, such as axes, and so must be known on the host. */
  numbers(index: number): number[] {
    const value = this.value(index);
    if (value instanceof Tensor) throw new NotExpressible(`an input ${index} that is computed on the device`);
    return [...value.values];
  }

  /** The value of an input with a single one. */
  scalar(index: number): number {
    const [value] = this.numbers(index);
    if (value === undefined) throw new NotExpressible(`an empty input ${index}`);
    return value;
  }

  /** Integers as an attribute of older versions of an op, or as an input of newer ones. */
  integersOf(name: string, index: number): number[] | undefined {
    return this.integers(name) ?? (this.has(index) ? this.numbers(index) : undefined);
  }

  /** As `integersOf`, for what an op must have. */
  neededIntegers(name: string, index: number): number[] {
    const found = this.integersOf(name, index);
    if (!found) throw new NotExpressible(`no ${name}`);
    return found;
  }

  number(name: string, otherwise: number): number {
    return this.#attribute(name, 'int', 'float')?.value ?? otherwise;
  }

  integers(name: string): number[] | undefined {
    const found = this.#attribute(name, 'ints');
    return found && [...found.value];
  }

  text(name: string, otherwise: string): string {
    return this.#attribute(name, 'string')?.value ?? otherwise;
  }

  tensor(name: string): HostTensor | undefined {
    const found = this.#attribute(name, 'tensor');
    return found && toHost(found.value);
  }

  /** The value of an attribute of one of these types. */
  #attribute<T extends OnnxAttribute['type']>(name: string, ...types: T[]) {
    const found = this.#attributes.get(name);
    if (!found) return undefined;
    if (types.some((type) => type === found.type)) return found as Extract<OnnxAttribute, { type: T }>;
    throw new NotExpressible(`an attribute ${name} of type ${found.type}`);
  }

  #upload(value: HostTensor, dtype: 'f32' | 'u32' | 'i32'): Tensor<DType> {
    return this.run.uploads.get(value, dtype, () => {
      if (dtype === 'f32' && value.values.some((number) => Number.isFinite(number) && Math.abs(number) > LARGEST_F32)) {
        throw new NotExpressible('values beyond f32');
      }
      return Tensor.from(this.gpu, value.values, value.shape, dtype);
    });
  }
}

/** An axis counted from the front. */
export function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

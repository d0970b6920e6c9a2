/** One node of an ONNX graph as its op sees it: inputs as tensors or as numbers on the host, attributes with defaults. */
import { type AttributeProto, AttributeProto_AttributeType, type NodeProto } from 'onnx-buf';
import { type DType, Tensor } from '../../src/autograd/index.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { type HostTensor, toHost } from './read.ts';

/** Values on the device, or values of the files, which reach the device where an op needs them. */
export type Value = Tensor<DType> | HostTensor;

/** What an ONNX op does with our ops. It may return values for the first outputs only. */
export type Op = (call: Call) => Value | readonly Value[];

/** A node cannot be said with the engine's ops; the message is the reason. */
export class NotExpressible extends Error {
  override name = 'NotExpressible';
}

const INTEGERS = new Set(['INT8', 'INT16', 'INT32', 'INT64', 'UINT8', 'UINT16', 'UINT32', 'UINT64']);

const LARGEST_F32 = (2 - 2 ** -23) * 2 ** 127;

/** Whether the host knows the value, and it holds integers or truth values. */
export function isHostInteger(value: Value): value is HostTensor {
  return !(value instanceof Tensor) && (INTEGERS.has(value.type) || value.type === 'BOOL');
}

/** What the nodes of a graph share while it runs. */
export interface GraphRun {
  readonly gpu: Gpu;
  readonly version: number;
  /** The tensors made of each value, one for each type that was asked for. */
  readonly uploads: Map<HostTensor, Tensor<DType>[]>;
}

/** A node with its inputs. What is asked of it names its kind: `float`, `mask`, `numbers`. */
export class Call {
  readonly gpu: Gpu;
  /** Outputs that are asked for: trailing ones may be left out. */
  readonly outputs: number;
  readonly inputs: readonly (Value | undefined)[];
  /** The version of ONNX's operators. */
  readonly version: number;
  readonly #attributes: ReadonlyMap<string, AttributeProto>;
  readonly #uploads: GraphRun['uploads'];

  /** @param run of the whole graph: the version of the operators, and what was uploaded so far */
  constructor(node: NodeProto, inputs: readonly (Value | undefined)[], { gpu, version, uploads }: GraphRun) {
    this.gpu = gpu;
    this.version = version;
    this.outputs = node.output.length;
    this.inputs = inputs;
    this.#attributes = new Map(node.attribute.map((attribute) => [attribute.name, attribute]));
    this.#uploads = uploads;
  }

  has(index: number): boolean {
    return this.inputs[index] !== undefined;
  }

  value(index: number): Value {
    const value = this.inputs[index];
    if (!value) throw new Error(`input ${index} is missing`);
    return value;
  }

  /** An f32 tensor. Values in double precision are rounded. */
  float(index: number): Tensor {
    const value = this.value(index);
    if (value instanceof Tensor) {
      if (value.dtype === 'f32') return value as Tensor;
      throw new NotExpressible(`arithmetic on ${value.dtype}`);
    }
    if (value.type !== 'FLOAT' && value.type !== 'DOUBLE') throw new NotExpressible(`arithmetic on ${value.type}`);
    return this.#upload(value, 'f32') as Tensor;
  }

  /** A tensor whose values an op only moves: integers and truth values too. */
  any(index: number): Tensor {
    const value = this.value(index);
    if (value instanceof Tensor) return value as Tensor;
    if (!isHostInteger(value)) return this.float(index);
    const signed = value.type.startsWith('I');
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
    if (value instanceof Tensor ? value.dtype !== 'u32' : value.type !== 'BOOL') {
      throw new NotExpressible(`a condition of type ${value instanceof Tensor ? value.dtype : value.type}`);
    }
    return (value instanceof Tensor ? value : this.#upload(value, 'u32')) as Tensor<'u32'>;
  }

  /** Values that decide shapes, such as axes, and so must be known on the host. */
  numbers(index: number): number[] {
    const value = this.value(index);
    if (value instanceof Tensor) throw new NotExpressible(`input ${index} is computed on the device`);
    return [...value.values];
  }

  /** The value of an input with a single one. */
  scalar(index: number): number {
    return this.numbers(index)[0]!;
  }

  /** Integers as an attribute of older versions of an op, or as an input of newer ones. */
  integersOf(name: string, index: number): number[] | undefined {
    return this.integers(name) ?? (this.has(index) ? this.numbers(index) : undefined);
  }

  number(name: string, otherwise: number): number {
    const attribute = this.#attributes.get(name);
    if (!attribute) return otherwise;
    return attribute.type === AttributeProto_AttributeType.INT ? Number(attribute.i) : attribute.f;
  }

  integers(name: string): number[] | undefined {
    return this.#attributes.get(name)?.ints.map(Number);
  }

  text(name: string, otherwise: string): string {
    const bytes = this.#attributes.get(name)?.s;
    return bytes ? new TextDecoder().decode(bytes) : otherwise;
  }

  tensor(name: string): HostTensor | undefined {
    const tensor = this.#attributes.get(name)?.t;
    return tensor && toHost(tensor, `attribute ${name}`);
  }

  #upload(value: HostTensor, dtype: 'f32' | 'u32' | 'i32'): Tensor<DType> {
    const made = this.#uploads.get(value) ?? [];
    const found = made.find((tensor) => tensor.dtype === dtype);
    if (found) return found;
    if (dtype === 'f32' && value.values.some((number) => Number.isFinite(number) && Math.abs(number) > LARGEST_F32)) {
      throw new NotExpressible('values beyond f32');
    }
    const tensor: Tensor<DType> = Tensor.from(this.gpu, value.values, value.shape, dtype);
    this.#uploads.set(value, [...made, tensor]);
    return tensor;
  }
}

/** An axis counted from the front. */
export function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

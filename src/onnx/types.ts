/**
 * An ONNX model in plain objects, as the rest of this folder sees it: nothing here knows how a file stores it.
 *
 * Source: onnx.proto and IR.md of github.com/onnx/onnx.
 */

/** The values of a tensor by their element type. f16 is its bits, bool one byte of 0 or 1. */
export interface TensorValues {
  readonly f32: Float32Array<ArrayBuffer>;
  readonly f64: Float64Array<ArrayBuffer>;
  readonly f16: Uint16Array<ArrayBuffer>;
  readonly i8: Int8Array<ArrayBuffer>;
  readonly i16: Int16Array<ArrayBuffer>;
  readonly i32: Int32Array<ArrayBuffer>;
  readonly i64: BigInt64Array<ArrayBuffer>;
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly u16: Uint16Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly u64: BigUint64Array<ArrayBuffer>;
  readonly bool: Uint8Array<ArrayBuffer>;
}

export type OnnxType = keyof TensorValues;

/** A tensor of one element type, row-major; its shape is [] for a single value. */
export interface TensorOf<T extends OnnxType> {
  /** Its name in the graph; '' for the tensor of an attribute. */
  readonly name: string;
  readonly type: T;
  readonly shape: readonly number[];
  readonly data: TensorValues[T];
}

export type OnnxTensor = { [T in OnnxType]: TensorOf<T> }[OnnxType];

/** What a node says beside its inputs. Integers beyond 2^53 are rounded: ONNX has them only for "to the end". */
export type OnnxAttribute =
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'tensor'; readonly value: OnnxTensor }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'ints'; readonly value: readonly number[] }
  | { readonly type: 'strings'; readonly value: readonly string[] };

/** A kind of attribute that `OnnxAttribute` leaves out, such as the graph of an If: its node cannot be run. */
export interface OtherAttribute {
  readonly type: 'other';
  /** Its kind as the format names it: 'GRAPH'. */
  readonly value: string;
}

export interface OnnxNode {
  /** '' if it has none. */
  readonly name: string;
  /** 'Conv'. */
  readonly op: string;
  /** '' for ONNX's own ops. */
  readonly domain: string;
  /** Names of values; '' for an input or output that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute | OtherAttribute>;
}

/** An input or output of a graph. */
export interface OnnxValue {
  readonly name: string;
  /** Set for sequences, maps and optional values, of which nothing else is told here. */
  readonly isOther?: true;
  /** Undefined where the file does not say it, and for a type that is not in `OnnxType`. */
  readonly type: OnnxType | undefined;
  /** A name stands for a size that is free ('batch'), undefined for one that is unknown. No shape: unknown rank. */
  readonly shape: readonly (number | string | undefined)[] | undefined;
}

export interface OnnxGraph {
  readonly name: string;
  /** In an order in which each comes after those whose outputs it takes. */
  readonly nodes: readonly OnnxNode[];
  /** By name, in the order of the file. */
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
  /** Initialisers may stand among them (IR version 3). */
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

export interface OnnxModel {
  readonly graph: OnnxGraph;
  /** Version of ONNX's own ops; 0 if the model uses none. */
  readonly opset: number;
  /** Version of the format: 8 goes with opset 17. */
  readonly irVersion: number;
  /** What wrote it: 'pytorch' '1.13.1'. */
  readonly producer: string;
  readonly producerVersion: string;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The number of elements of a shape. */
export function countElements(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

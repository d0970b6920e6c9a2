/** Reads ONNX's files: models, and the tensors of its node tests. */
import { readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { type GraphProto, ModelProtoSchema, type TensorProto, TensorProto_DataType, TensorProtoSchema } from 'onnx-buf';

/** The name of an element type, as ONNX's TensorProto.DataType has it. */
export type ElementType = keyof typeof TensorProto_DataType;

/** A tensor in the host's memory. 64-bit integers beyond 2^53 are rounded. */
export interface HostTensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly values: Float64Array<ArrayBuffer>;
}

/** A file, or a part of it, is damaged. */
export class OnnxFileError extends Error {
  override name = 'OnnxFileError';
}

/** Values of a type that this reader leaves out. */
export class ElementTypeError extends Error {
  override name = 'ElementTypeError';
}

interface Layout {
  /** Bytes of a value in `rawData`. */
  readonly bytes: number;
  readonly read: (view: DataView, offset: number) => number;
  /** The field that holds the values where there is no `rawData`. */
  readonly field: 'floatData' | 'doubleData' | 'int32Data' | 'int64Data' | 'uint64Data';
}

/** `rawData` is little-endian on every machine. */
const LAYOUTS: Partial<Record<ElementType, Layout>> = {
  FLOAT: { bytes: 4, field: 'floatData', read: (view, offset) => view.getFloat32(offset, true) },
  DOUBLE: { bytes: 8, field: 'doubleData', read: (view, offset) => view.getFloat64(offset, true) },
  BOOL: { bytes: 1, field: 'int32Data', read: (view, offset) => view.getUint8(offset) },
  INT8: { bytes: 1, field: 'int32Data', read: (view, offset) => view.getInt8(offset) },
  UINT8: { bytes: 1, field: 'int32Data', read: (view, offset) => view.getUint8(offset) },
  INT16: { bytes: 2, field: 'int32Data', read: (view, offset) => view.getInt16(offset, true) },
  UINT16: { bytes: 2, field: 'int32Data', read: (view, offset) => view.getUint16(offset, true) },
  INT32: { bytes: 4, field: 'int32Data', read: (view, offset) => view.getInt32(offset, true) },
  UINT32: { bytes: 4, field: 'uint64Data', read: (view, offset) => view.getUint32(offset, true) },
  INT64: { bytes: 8, field: 'int64Data', read: (view, offset) => Number(view.getBigInt64(offset, true)) },
  UINT64: { bytes: 8, field: 'uint64Data', read: (view, offset) => Number(view.getBigUint64(offset, true)) },
};

/** Names of the domain of ONNX's own ops. Others have ops for training and for classical machine learning. */
export const OWN_DOMAINS = ['', 'ai.onnx'];

export interface Model {
  readonly graph: GraphProto;
  /** The version of ONNX's own ops; 0 if it has none. */
  readonly version: number;
}

/** @throws OnnxFileError if the file is damaged, or has no graph */
export function readModel(path: string): Model {
  const { graph, opsetImport } = parse(path, ModelProtoSchema);
  if (!graph || opsetImport.length === 0) {
    throw new OnnxFileError(`${path} is no ONNX model: it has no ${graph ? 'version of the ops' : 'graph'}.`);
  }
  const version = opsetImport.find(({ domain }) => OWN_DOMAINS.includes(domain))?.version ?? 0;
  return { graph, version: Number(version) };
}

/**
 * @throws OnnxFileError if the file is damaged
 * @throws ElementTypeError for strings, complex numbers and small floats
 */
export function readTensor(path: string): HostTensor {
  return toHost(parse(path, TensorProtoSchema), path);
}

/** The values of a tensor within a file; `owner` is its name in messages. @throws like readTensor */
export function toHost(tensor: TensorProto, owner: string): HostTensor {
  const type = TensorProto_DataType[tensor.dataType] as ElementType | undefined;
  if (type === undefined || type === 'UNDEFINED') throw new OnnxFileError(`${owner}: a tensor has no element type.`);
  const layout = LAYOUTS[type];
  if (!layout) throw new ElementTypeError(`values of type ${type}`);
  const shape = tensor.dims.map(Number);
  const size = shape.reduce((product, extent) => product * extent, 1);
  const raw = tensor.rawData;
  const found = raw.length > 0 ? raw.length / layout.bytes : tensor[layout.field].length;
  if (found !== size) {
    throw new OnnxFileError(`${owner}: a tensor of shape [${shape.join(', ')}] needs ${size} values, found ${found}.`);
  }
  if (raw.length === 0) return { type, shape, values: Float64Array.from(tensor[layout.field], Number) };
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return { type, shape, values: Float64Array.from({ length: size }, (_, i) => layout.read(view, i * layout.bytes)) };
}

function parse<S extends typeof ModelProtoSchema | typeof TensorProtoSchema>(path: string, schema: S) {
  try {
    return fromBinary(schema, readFileSync(path));
  } catch (error) {
    throw new OnnxFileError(`${path} is damaged or no ONNX file: ${(error as Error).message}.`);
  }
}

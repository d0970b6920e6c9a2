/** ONNX files: written and read again to the same values; damaged, costly and unreadable ones are refused by name. */

import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  ModelProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
} from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { FileError } from '../../src/errors.ts';
import { MOST_MESSAGES } from '../../src/onnx/limits.ts';
import {
  decodeOnnx,
  ElementTypeError,
  encodeOnnx,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxTensor,
} from '../../src/onnx/proto.ts';

const FILE = 'net.onnx';

const TENSORS: readonly OnnxTensor[] = [
  { name: 'f32', type: 'f32', shape: [2, 2], data: Float32Array.of(1.5, -0, Number.POSITIVE_INFINITY, 1e-45) },
  { name: 'f64', type: 'f64', shape: [1], data: Float64Array.of(Math.PI) },
  { name: 'f16', type: 'f16', shape: [3], data: Uint16Array.of(0x3c00, 0xffff, 1) },
  { name: 'i64', type: 'i64', shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) },
  { name: 'u64', type: 'u64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
  { name: 'i32', type: 'i32', shape: [], data: Int32Array.of(-7) },
  { name: 'u32', type: 'u32', shape: [1], data: Uint32Array.of(2 ** 32 - 1) },
  { name: 'i16', type: 'i16', shape: [1], data: Int16Array.of(-2) },
  { name: 'u16', type: 'u16', shape: [1], data: Uint16Array.of(65535) },
  { name: 'i8', type: 'i8', shape: [1], data: Int8Array.of(-128) },
  { name: 'u8', type: 'u8', shape: [0, 4], data: new Uint8Array(0) },
  { name: 'bool', type: 'bool', shape: [2], data: Uint8Array.of(1, 0) },
];

const ATTRIBUTES: Readonly<Record<string, OnnxAttribute>> = {
  alpha: { type: 'float', value: 0.5 },
  group: { type: 'int', value: -3 },
  end: { type: 'int', value: 2 ** 63 },
  mode: { type: 'string', value: 'naïve' },
  value: { type: 'tensor', value: { name: '', type: 'i64', shape: [1], data: BigInt64Array.of(5n) } },
  scales: { type: 'floats', value: [1, 0.25] },
  pads: { type: 'ints', value: [0, 1] },
  names: { type: 'strings', value: ['a', 'b'] },
};

const MODEL: OnnxModel = {
  graph: {
    name: 'net',
    nodes: [
      {
        name: 'first',
        op: 'Conv',
        domain: '',
        inputs: ['image', '', 'f32'],
        outputs: ['scores'],
        attributes: new Map(Object.entries(ATTRIBUTES)),
      },
      { name: '', op: 'Odd', domain: 'com.example', inputs: [], outputs: ['odd'], attributes: new Map() },
    ],
    initializers: new Map(TENSORS.map((tensor) => [tensor.name, tensor])),
    inputs: [{ name: 'image', type: 'f32', shape: ['batch', 3, undefined, 224] }],
    outputs: [
      { name: 'scores', type: 'f32', shape: undefined },
      { name: 'odd', type: undefined, shape: undefined },
    ],
  },
  opset: 17,
  irVersion: 8,
  producer: 'dawngrad',
  producerVersion: '1',
  metadata: new Map([['classes', '["ants","bees"]']]),
};

type ModelInit = Parameters<typeof create<typeof ModelProtoSchema>>[1];
type TensorInit = NonNullable<NonNullable<NonNullable<ModelInit>['graph']>['initializer']>[number];

/** A file whose only content is this graph. */
function file(graph: NonNullable<ModelInit>['graph']): Uint8Array {
  const opsetImport = [{ version: 17n }];
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { opsetImport, ...(graph && { graph }) }));
}

const tensorFile = (tensor: TensorInit) => file({ initializer: [tensor] });

test('a model that was written is read as it was', async () => {
  const bytes = await encodeOnnx(MODEL);
  expect(await decodeOnnx(bytes, FILE)).toEqual(MODEL);
  // Slices of a Buffer share its memory.
  expect(await decodeOnnx(Buffer.from(bytes), FILE)).toEqual(MODEL);
  expect(await encodeOnnx(await decodeOnnx(bytes, FILE))).toEqual(bytes);
});

test('values outside raw data are read', async () => {
  const { FLOAT, FLOAT16, INT64, BOOL, UINT32 } = TensorProto_DataType;
  const bytes = file({
    initializer: [
      { name: 'floats', dims: [2n], dataType: FLOAT, floatData: [1.5, -2] },
      { name: 'halves', dims: [1n], dataType: FLOAT16, int32Data: [0x3c00] },
      { name: 'longs', dims: [2n], dataType: INT64, int64Data: [-1n, 2n ** 40n] },
      { name: 'truths', dims: [3n], dataType: BOOL, int32Data: [1, 0, 1] },
      { name: 'counts', dims: [], dataType: UINT32, uint64Data: [7n] },
    ],
  });
  const { initializers } = (await decodeOnnx(bytes, FILE)).graph;
  expect([...initializers.values()].map(({ data }) => data)).toEqual([
    Float32Array.of(1.5, -2),
    Uint16Array.of(0x3c00),
    BigInt64Array.of(-1n, 2n ** 40n),
    Uint8Array.of(1, 0, 1),
    Uint32Array.of(7),
  ]);
});

test('kinds of attributes that cannot be run stay, by name', async () => {
  const type = AttributeProto_AttributeType.GRAPH;
  const bytes = file({ node: [{ opType: 'If', attribute: [{ name: 'then_branch', type, g: {} }] }] });
  const [node] = (await decodeOnnx(bytes, FILE)).graph.nodes;
  expect(node?.attributes.get('then_branch')).toEqual({ type: 'other', value: 'GRAPH' });
});

describe('refuses', () => {
  const { FLOAT, STRING, INT64 } = TensorProto_DataType;
  const two = { name: 'fc.weight', dims: [2n], dataType: FLOAT };

  test('a file cut anywhere', async () => {
    // The version of the ops stands last, so that no cut leaves a whole model.
    const graph = { ...MODEL.graph, initializers: new Map() };
    const whole = await encodeOnnx({ ...MODEL, graph, metadata: new Map() });
    for (let length = 0; length < whole.length; length++) {
      await expect(decodeOnnx(whole.subarray(0, length), FILE), `${length} bytes`).rejects.toThrow(FileError);
    }
  });

  test.each<[string, Uint8Array, string]>([
    ['no bytes', new Uint8Array(0), 'it has no graph'],
    ['another format', new TextEncoder().encode('<!DOCTYPE html><html>'), 'no ONNX file'],
    ['no version of the ops', toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph: {} })), 'no version of the'],
    ['too few values', tensorFile({ ...two, rawData: new Uint8Array(4) }), 'tensor "fc.weight" of shape [2] needs 2'],
    ['half a value', tensorFile({ ...two, rawData: new Uint8Array(7) }), 'found 1.75'],
    ['too many values', tensorFile({ ...two, floatData: [1, 2, 3] }), 'found 3'],
    ['huge shapes', tensorFile({ ...two, dims: [2n ** 40n, 2n ** 40n] }), 'impossible shape'],
    ['negative sizes', tensorFile({ ...two, dims: [-1n, -2n], floatData: [1, 2] }), 'impossible shape'],
    ['many dimensions', tensorFile({ ...two, dims: Array(65).fill(1n), floatData: [1] }), '65 dimensions'],
    ['strings', tensorFile({ ...two, dataType: STRING }), 'tensor "fc.weight" holds values of type STRING'],
    ['no type', tensorFile({ ...two, dataType: 0 }), 'no known element type (0)'],
    ['two of one name', file({ initializer: [0, 1].map(() => ({ name: 'w', dims: [0n], dataType: INT64 })) }), '"w"'],
    ['sparse tensors', file({ sparseInitializer: [{ values: two }] }), 'tensor "fc.weight" is sparse'],
    [
      'another file',
      tensorFile({
        ...two,
        dataLocation: TensorProto_DataLocation.EXTERNAL,
        externalData: [{ key: 'location', value: '../../etc/passwd\u001b' }],
      }),
      'the values of tensor "fc.weight" lie in another file ("../../etc/passwd\\u001b")',
    ],
  ])('%s', async (_, bytes, message) => {
    const reading = decodeOnnx(bytes, FILE);
    await expect(reading).rejects.toThrow(FileError);
    await expect(reading).rejects.toThrow(`${FILE}: `);
    await expect(reading).rejects.toThrow(message);
  });

  test('strings as an error of their own', async () => {
    await expect(decodeOnnx(tensorFile({ ...two, dataType: STRING }), FILE)).rejects.toThrow(ElementTypeError);
  });

  test('messages without end', async () => {
    // Field 1 of the graph, an empty node: two bytes each.
    const nodes = new Uint8Array(2 * MOST_MESSAGES).map((_, i) => (i % 2 === 0 ? 0x0a : 0));
    const length = [0x80 | (nodes.length & 127), 0x80 | ((nodes.length >> 7) & 127), nodes.length >> 14];
    const bytes = Buffer.concat([Uint8Array.of(0x3a, ...length), nodes]);
    await expect(decodeOnnx(bytes, FILE)).rejects.toThrow(`more than ${MOST_MESSAGES} messages`);
  });

  test('graphs in graphs in graphs', async () => {
    const { GRAPH } = AttributeProto_AttributeType;
    type Graph = NonNullable<NonNullable<ModelInit>['graph']>;
    let graph: Graph = {};
    for (let depth = 0; depth < 20; depth++) graph = { node: [{ attribute: [{ type: GRAPH, g: graph }] }] };
    await expect(decodeOnnx(file(graph), FILE)).rejects.toThrow('nest deeper');
  });
});

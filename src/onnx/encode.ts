/** Plain objects as messages of an ONNX file. */

import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { ELEMENT_TYPES } from './element-types.ts';
import type { Messages } from './messages.ts';
import {
  countElements,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
  type OtherAttribute,
} from './types.ts';

type AttributeInit = MessageInitShape<typeof AttributeProtoSchema>;

/** Makes messages of plain objects. Values go into `rawData`, without a copy. */
export class Encoder {
  readonly #onnx: Messages['onnx'];

  constructor({ onnx }: Messages) {
    this.#onnx = onnx;
  }

  model(model: OnnxModel): MessageInitShape<typeof ModelProtoSchema> {
    return {
      irVersion: BigInt(model.irVersion),
      opsetImport: [{ domain: '', version: BigInt(model.opset) }],
      producerName: model.producer,
      producerVersion: model.producerVersion,
      graph: this.#graph(model.graph),
      metadataProps: [...model.metadata].map(([key, value]) => ({ key, value })),
    };
  }

  #graph(graph: OnnxGraph): MessageInitShape<typeof GraphProtoSchema> {
    return {
      name: graph.name,
      node: graph.nodes.map((node) => this.#node(node)),
      initializer: [...graph.initializers].map(([name, tensor]) => this.#tensor({ ...tensor, name })),
      input: graph.inputs.map(encodeValue),
      output: graph.outputs.map(encodeValue),
    };
  }

  #node({ name, op, domain, inputs, outputs, attributes }: OnnxNode): MessageInitShape<typeof NodeProtoSchema> {
    const attribute = [...attributes].map(([key, value]) => ({ name: key, ...this.#attribute(value) }));
    return { name, opType: op, domain, input: [...inputs], output: [...outputs], attribute };
  }

  #tensor({ name, type, shape, data }: OnnxTensor): MessageInitShape<typeof TensorProtoSchema> {
    if (data.length !== countElements(shape)) {
      throw new Error(`tensor ${name} of shape [${shape.join(', ')}] has ${data.length} values.`);
    }
    return {
      name,
      dims: shape.map(BigInt),
      dataType: ELEMENT_TYPES[type].number,
      rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    };
  }

  #attribute(attribute: OnnxAttribute | OtherAttribute): AttributeInit {
    const { AttributeProto_AttributeType: kinds } = this.#onnx;
    switch (attribute.type) {
      case 'float':
        return { type: kinds.FLOAT, f: attribute.value };
      case 'int':
        return { type: kinds.INT, i: int64(attribute.value) };
      case 'string':
        return { type: kinds.STRING, s: encodeText(attribute.value) };
      case 'tensor':
        return { type: kinds.TENSOR, t: this.#tensor(attribute.value) };
      case 'floats':
        return { type: kinds.FLOATS, floats: [...attribute.value] };
      case 'ints':
        return { type: kinds.INTS, ints: attribute.value.map(int64) };
      case 'strings':
        return { type: kinds.STRINGS, strings: attribute.value.map(encodeText) };
      case 'other':
        throw new Error(`an attribute of kind ${attribute.value} cannot be written.`);
    }
  }
}

function encodeValue({ name, type, shape }: OnnxValue): MessageInitShape<typeof ValueInfoProtoSchema> {
  if (!type) return { name };
  const dim = shape?.map((size) => {
    if (size === undefined) return {};
    return typeof size === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
      : { value: { case: 'dimParam' as const, value: size } };
  });
  const tensor = { elemType: ELEMENT_TYPES[type].number, ...(dim && { shape: { dim } }) };
  return { name, type: { value: { case: 'tensorType', value: tensor } } };
}

/** "To the end" was rounded to 2^63 when it was read. */
const int64 = (value: number) => BigInt.asIntN(64, value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(value));

const encodeText = (text: string) => new TextEncoder().encode(text);

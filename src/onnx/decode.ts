/** Messages of an ONNX file as plain objects. Sizes are checked before memory is taken for them. */

import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  StringStringEntryProto,
  TensorProto,
  ValueInfoProto,
} from 'onnx-buf';
import { FileError } from '../errors.ts';
import { quote } from '../printable.ts';
import { ELEMENT_TYPES, typeOfNumber } from './element-types.ts';
import type { Messages } from './messages.ts';
import {
  countElements,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxType,
  type OnnxValue,
  type OtherAttribute,
} from './types.ts';

/** Names of the domain of ONNX's own ops. Others have ops for training and for classical machine learning. */
const OWN_DOMAINS: readonly string[] = ['', 'ai.onnx'];
const MOST_DIMENSIONS = 64;

/** A tensor has values of a type that this reader leaves out: strings, complex numbers, small floats and integers. */
export class ElementTypeError extends FileError {
  override name = 'ElementTypeError';
}

/** Makes plain objects of messages; `file` starts every error. */
export class Decoder {
  readonly #file: string;
  readonly #onnx: Messages['onnx'];

  constructor(file: string, { onnx }: Messages) {
    this.#file = file;
    this.#onnx = onnx;
  }

  model(model: ModelProto): OnnxModel {
    const { graph, opsetImport } = model;
    if (!graph) this.#fail('not an ONNX model: it has no graph; give the path of a model');
    if (opsetImport.length === 0) this.#fail('not an ONNX model: it names no version of the ops; export it again');
    const own = opsetImport.find(({ domain }) => OWN_DOMAINS.includes(domain));
    return {
      graph: this.#graph(graph),
      opset: Number(own?.version ?? 0),
      irVersion: Number(model.irVersion),
      producer: model.producerName,
      producerVersion: model.producerVersion,
      metadata: new Map(model.metadataProps.map(({ key, value }) => [key, value])),
    };
  }

  /** @param owner what the tensor is, for errors: `tensor "fc.weight"` */
  tensor(tensor: TensorProto, owner: string): OnnxTensor {
    const type = this.#typeOf(tensor, owner);
    const shape = this.#shapeOf(tensor, owner);
    const location = this.#onnx.TensorProto_DataLocation;
    if (tensor.dataLocation === location.EXTERNAL || tensor.externalData.length > 0) {
      const beside = tensor.externalData.find(({ key }: StringStringEntryProto) => key === 'location')?.value ?? '';
      this.#fail(
        `the values of ${owner} lie in another file (${quote(beside)}), which is not read; save the model as one ` +
          'file: onnx.save_model(onnx.load("model.onnx"), "whole.onnx", save_as_external_data=False)',
      );
    }
    if (tensor.segment) this.#fail(`${owner} is one segment of a tensor, which is not read; save the model whole`);
    return { name: tensor.name, type, shape, data: this.#values(tensor, type, shape, owner) } as OnnxTensor;
  }

  #graph(graph: GraphProto): OnnxGraph {
    const sparse = graph.sparseInitializer[0];
    if (sparse) {
      this.#fail(`tensor ${quote(sparse.values?.name ?? '')} is sparse, which is not read; export it as dense`);
    }
    const initializers = new Map<string, OnnxTensor>();
    for (const tensor of graph.initializer) {
      if (initializers.has(tensor.name)) this.#fail(`two tensors have the name ${quote(tensor.name)}; export it again`);
      initializers.set(tensor.name, this.tensor(tensor, `tensor ${quote(tensor.name)}`));
    }
    return {
      name: graph.name,
      nodes: graph.node.map((node) => this.#node(node)),
      initializers,
      inputs: graph.input.map((value) => this.#value(value)),
      outputs: graph.output.map((value) => this.#value(value)),
    };
  }

  #node(node: NodeProto): OnnxNode {
    const { name, opType: op, input: inputs, output: outputs } = node;
    const owner = `node ${quote(name || outputs[0] || '')} (${quote(op)})`;
    return {
      name,
      op,
      domain: OWN_DOMAINS.includes(node.domain) ? '' : node.domain,
      inputs,
      outputs,
      attributes: new Map(node.attribute.map((attribute) => [attribute.name, this.#attribute(attribute, owner)])),
    };
  }

  #attribute(attribute: AttributeProto, owner: string): OnnxAttribute | OtherAttribute {
    const { AttributeProto_AttributeType: kinds } = this.#onnx;
    const what = `attribute ${quote(attribute.name)} of ${owner}`;
    switch (attribute.type) {
      case kinds.FLOAT:
        return { type: 'float', value: attribute.f };
      case kinds.INT:
        return { type: 'int', value: Number(attribute.i) };
      case kinds.STRING:
        return { type: 'string', value: new TextDecoder().decode(attribute.s) };
      case kinds.TENSOR:
        if (!attribute.t) return this.#fail(`${what} has no tensor; the file is damaged: export it again`);
        return { type: 'tensor', value: this.tensor(attribute.t, what) };
      case kinds.FLOATS:
        return { type: 'floats', value: attribute.floats };
      case kinds.INTS:
        return { type: 'ints', value: attribute.ints.map(Number) };
      case kinds.STRINGS:
        return { type: 'strings', value: attribute.strings.map((bytes) => new TextDecoder().decode(bytes)) };
      default:
        return { type: 'other', value: kinds[attribute.type] ?? String(attribute.type) };
    }
  }

  #value({ name, type }: ValueInfoProto): OnnxValue {
    if (type?.value.case !== 'tensorType') {
      return { name, type: undefined, shape: undefined, ...(type?.value.case && { isOther: true }) };
    }
    const { elemType, shape } = type.value.value;
    const sizes = shape?.dim.map(({ value }) => {
      if (value.case === 'dimParam') return value.value || undefined;
      return value.case === 'dimValue' ? Number(value.value) : undefined;
    });
    return { name, type: typeOfNumber(elemType), shape: sizes };
  }

  #typeOf({ dataType }: TensorProto, owner: string): OnnxType {
    const { TensorProto_DataType: types } = this.#onnx;
    if (types[dataType] === undefined || dataType === types.UNDEFINED) {
      this.#fail(`${owner} has no known element type (${dataType}); the file is damaged: export it again`);
    }
    const type = typeOfNumber(dataType);
    if (type) return type;
    throw new ElementTypeError(
      `${this.#file}: ${owner} holds values of type ${types[dataType]}; expected floats of 16 bits or more, integers ` +
        'of 8 bits or more or truth values; export the model without it',
    );
  }

  #shapeOf({ dims }: TensorProto, owner: string): number[] {
    const shape = dims.map(Number);
    const count = countElements(shape);
    if (shape.length <= MOST_DIMENSIONS && shape.every((extent) => extent >= 0) && Number.isSafeInteger(count)) {
      return shape;
    }
    return this.#fail(
      `${owner} has an impossible shape (${shape.length} dimensions, ${count} values); the file is damaged: export it ` +
        'again',
    );
  }

  #values(tensor: TensorProto, type: OnnxType, shape: readonly number[], owner: string): OnnxTensor['data'] {
    const { bytes, field, make } = ELEMENT_TYPES[type];
    const { rawData: raw } = tensor;
    const listed: readonly (number | bigint)[] = tensor[field];
    const count = countElements(shape);
    const found = raw.length > 0 ? raw.length / bytes : listed.length;
    if (found !== count) {
      this.#fail(
        `${owner} of shape [${shape.join(', ')}] needs ${count} values, found ${found}; the file is cut off or ` +
          'damaged: export it again',
      );
    }
    if (raw.length > 0) return make(count, new Uint8Array(raw).buffer);
    const values = make(count);
    const wide = values instanceof BigInt64Array || values instanceof BigUint64Array;
    for (const [i, value] of listed.entries()) {
      if (wide) values[i] = BigInt(value);
      else values[i] = Number(value);
    }
    return values;
  }

  #fail(message: string): never {
    throw new FileError(`${this.#file}: ${message}`);
  }
}

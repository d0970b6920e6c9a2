/** Small ONNX models for tests, node by node. */
import {
  encodeOnnx,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '../../src/onnx/proto.ts';

export const int = (value: number): OnnxAttribute => ({ type: 'int', value });
export const ints = (...value: number[]): OnnxAttribute => ({ type: 'ints', value });
export const float = (value: number): OnnxAttribute => ({ type: 'float', value });

export function node(
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, OnnxAttribute>> = {},
  name = output,
): OnnxNode {
  return { name, op, domain: '', inputs, outputs: [output], attributes: new Map(Object.entries(attributes)) };
}

/** Floats that are the same each time, and differ from name to name. */
export function floats(name: string, ...shape: number[]): OnnxTensor {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const data = Float32Array.from({ length: size }, (_, i) => Math.sin(i * 1.7 + name.length) / 2);
  return { name, type: 'f32', shape, data };
}

export const integers = (name: string, ...values: number[]): OnnxTensor => ({
  ...{ name, type: 'i64', shape: [values.length] },
  data: BigInt64Array.from(values, BigInt),
});

/** A model of pictures [batch, 3, 8, 8] to `scores`. */
export function modelOf(
  nodes: readonly OnnxNode[],
  tensors: readonly OnnxTensor[],
  changes: Partial<OnnxModel> & { readonly batch?: number } = {},
): OnnxModel {
  const { batch = 'batch', ...others } = changes;
  return {
    graph: {
      ...{ name: 'test', nodes, initializers: new Map(tensors.map((tensor) => [tensor.name, tensor])) },
      inputs: [{ name: 'images', type: 'f32', shape: [batch, 3, 8, 8] }],
      outputs: [{ name: 'scores', type: 'f32', shape: [batch, 2] }],
    },
    ...{ opset: 17, irVersion: 8, producer: 'test', producerVersion: '', metadata: new Map(), ...others },
  };
}

/** Convolution, batch norm, ReLU, mean, last layer, softmax; names as torch.onnx gives them. */
export function smallModel(changes: Parameters<typeof modelOf>[2] = {}): OnnxModel {
  const positive = floats('running_var', 4).data as Float32Array;
  return modelOf(
    [
      node(
        'Conv',
        ['images', 'stem.conv.weight'],
        'c',
        { kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) },
        '/stem/conv/Conv',
      ),
      node(
        'BatchNormalization',
        ['c', 'stem.bn.weight', 'stem.bn.bias', 'stem.bn.mean', 'stem.bn.var'],
        'n',
        {},
        '/stem/bn/BN',
      ),
      node('Relu', ['n'], 'r', {}, '/stem/relu/Relu'),
      node('Conv', ['r', 'layer.weight', 'layer.bias'], 'd', { kernel_shape: ints(1, 1) }, '/layer/Conv'),
      node('GlobalAveragePool', ['d'], 'g', {}, '/pool/GlobalAveragePool'),
      node('Flatten', ['g'], 'f', {}, '/Flatten'),
      node('Gemm', ['f', 'fc.weight', 'fc.bias'], 'logits', { transB: int(1) }, '/fc/Gemm'),
      node('Softmax', ['logits'], 'scores', {}, '/Softmax'),
    ],
    [
      ...[floats('stem.conv.weight', 4, 3, 3, 3), floats('stem.bn.weight', 4), floats('stem.bn.bias', 4)],
      ...[
        floats('stem.bn.mean', 4),
        { name: 'stem.bn.var', type: 'f32' as const, shape: [4], data: positive.map(Math.abs) },
      ],
      ...[floats('layer.weight', 6, 4, 1, 1), floats('layer.bias', 6), floats('fc.weight', 2, 6), floats('fc.bias', 2)],
    ],
    changes,
  );
}

export const smallFile = async (changes?: Parameters<typeof modelOf>[2]) => encodeOnnx(smallModel(changes));

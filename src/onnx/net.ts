/** The network of an ONNX file as runs know networks: what is known of it without building it, and its weights apart. */
import { FileError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { IMAGENET_INPUT } from '../input-spec.ts';
import type { Net } from '../models/net.ts';
import { ONNX } from '../models/types.ts';
import type { Init } from '../nn/init.ts';
import type { Checkpoint, TensorData } from '../weights/index.ts';
import { graphOf, type NetworkGraph } from './graph.ts';
import { toHost } from './host-tensor.ts';
import { OnnxNetwork } from './network.ts';
import { decodeOnnx, encodeOnnx } from './proto.ts';
import type { OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from './types.ts';

/** Characters of a graph beside a run's weights. That of a ResNet-152 has 400,000. */
const MOST_GRAPH_TEXT = 2 ** 23;

/** The network of a file, and its weights. */
export interface OnnxNet {
  readonly net: Net;
  /** Under the names of the network's state dict. */
  readonly checkpoint: Checkpoint;
}

/**
 * Reads a file's network and weights.
 * @param file its name in errors
 * @param head the node, or the last layer, at which the network ends; by default the last one
 * @throws FileError if it is damaged, or no classifier of pictures made of ops that we have
 */
export async function readOnnxNet(bytes: Uint8Array, file: string, head?: string): Promise<OnnxNet> {
  const model = await decodeOnnx(bytes, file);
  const graph = graphOf(model, file, head);
  const metadata: Record<string, string> = Object.fromEntries(model.metadata);
  const { side } = graph.image;
  if (side !== undefined) metadata.imageSize ??= String(side);
  const notes = [`the graph of ${writerOf(model)} with opset ${model.opset}`, ...leftText(graph)];
  const checkpoint = { tensors: tensorsOf(graph, model, file), metadata, notes };
  return { net: await netOfGraph(graph), checkpoint };
}

/**
 * The network of a graph that lies beside a run's weights.
 * @param file its name in errors
 * @throws FileError if the text is no such graph
 */
export async function readGraph(text: string, file: string): Promise<Net> {
  if (text.length > MOST_GRAPH_TEXT) {
    throw new FileError(`${file}: its graph has ${text.length} characters, expected at most ${MOST_GRAPH_TEXT}`);
  }
  return netOfGraph(graphOf(await decodeOnnx(Buffer.from(text, 'base64'), file), file), text);
}

async function netOfGraph(graph: NetworkGraph, text?: string): Promise<Net> {
  const { head } = graph;
  return {
    name: ONNX,
    title: 'the network of an ONNX file',
    headName: head.name,
    featureSize: head.featureSize,
    blocks: [...graph.blocks.keys()],
    marks: [],
    input: IMAGENET_INPUT,
    graph: text ?? (await graphText(graph)),
    build: (gpu: Gpu, options: Init & { readonly classes?: number }) => new OnnxNetwork(gpu, graph, options),
    fits: (entries) => [...graph.entries.values()].every(({ name }) => entries.has(name)),
  };
}

/** The graph as an ONNX file in base64: its weights are inputs behind the images, its last layer that of a Linear. */
async function graphText(graph: NetworkGraph): Promise<string> {
  return Buffer.from(await encodeOnnx(withoutWeights(graph))).toString('base64');
}

function withoutWeights({ opset, image, nodes, entries, constants, head }: NetworkGraph): OnnxModel {
  const value = (name: string, shape: OnnxValue['shape']): OnnxValue => ({ name, type: 'f32', shape });
  const { side, channelsLast, batch } = image;
  const sides = [side, side];
  const [weight, bias] = [`${head.name}.weight`, `${head.name}.bias`];
  const last: OnnxNode = {
    ...{ name: head.name, op: 'Gemm', domain: '', inputs: [head.input, weight, bias], outputs: ['scores'] },
    attributes: new Map([['transB', { type: 'int', value: 1 }]]),
  };
  return {
    graph: {
      name: 'network',
      nodes: [...nodes, last],
      initializers: constants,
      inputs: [
        value(image.name, channelsLast ? [batch, ...sides, 3] : [batch, 3, ...sides]),
        ...[...entries].map(([name, { shape }]) => value(name, shape)),
        value(weight, [head.outputs, head.featureSize]),
        value(bias, [head.outputs]),
      ],
      outputs: [value('scores', ['batch', head.outputs])],
    },
    ...{ opset, irVersion: 8, producer: 'dawngrad', producerVersion: '', metadata: new Map() },
  };
}

/** The values of a file under the names of the network's state dict. */
function tensorsOf(graph: NetworkGraph, model: OnnxModel, file: string): Map<string, TensorData> {
  const { initializers } = model.graph;
  const tensors = new Map<string, TensorData>();
  for (const { name, shape, source } of graph.entries.values()) {
    tensors.set(name, { shape, data: floatsOf(initializers.get(source), file, source) });
  }
  const { head } = graph;
  const { outputs, featureSize } = head;
  const weight = floatsOf(initializers.get(head.weightSource), file, head.weightSource);
  const bias =
    head.biasSource === undefined ? undefined : floatsOf(initializers.get(head.biasSource), file, head.biasSource);
  tensors.set(`${head.name}.weight`, {
    shape: [outputs, featureSize],
    data: scaled(head.flipped ? turned(weight, outputs) : weight, head.alpha),
  });
  tensors.set(`${head.name}.bias`, { shape: [outputs], data: scaled(bias ?? new Float32Array(outputs), head.beta) });
  return tensors;
}

function floatsOf(tensor: OnnxTensor | undefined, file: string, name: string): Float32Array<ArrayBuffer> {
  if (!tensor) throw new FileError(`${file}: has no values for ${name}; give the whole model`);
  return tensor.type === 'f32' ? tensor.data : Float32Array.from(toHost(tensor).values);
}

const scaled = (values: Float32Array<ArrayBuffer>, factor: number) =>
  factor === 1 ? values : values.map((value) => value * factor);

/** [featureSize, outputs] as [outputs, featureSize]. */
function turned(values: Float32Array<ArrayBuffer>, outputs: number): Float32Array<ArrayBuffer> {
  const rows = values.length / outputs;
  return values.map((_, i) => values[(i % rows) * outputs + Math.floor(i / rows)]!);
}

function writerOf({ producer, producerVersion }: OnnxModel): string {
  return [producer || 'an unnamed program', producerVersion].filter((text) => text !== '').join(' ');
}

function leftText({ left, head }: NetworkGraph): string[] {
  if (left.length === 0) return [];
  const softmax = left.length === 1 && /softmax/i.test(left[0]!);
  return [softmax ? `without its ${left[0]}` : `without ${left.length} nodes that ${head.name} does not need`];
}

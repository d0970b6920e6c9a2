/** The last layer of a graph: a product with a matrix of weights, which a new one replaces for other classes. */
import { FileError } from '../errors.ts';
import { listed, quote } from '../printable.ts';
import { isPath } from './entry-names.ts';
import { nodeTitle, type Parts } from './parts.ts';
import type { OnnxAttribute, OnnxModel, OnnxNode } from './types.ts';

export interface Head {
  /** Its tensors in state dicts are `NAME.weight` and `NAME.bias`. */
  readonly name: string;
  /** The value that it takes: [N, featureSize]. */
  readonly input: string;
  readonly featureSize: number;
  readonly outputs: number;
  /** The initialisers of its values. */
  readonly weightSource: string;
  readonly biasSource: string | undefined;
  /** Whether the weight is [featureSize, outputs], the other way round than in a Linear. */
  readonly flipped: boolean;
  /** Factors of the weight and of the bias. */
  readonly alpha: number;
  readonly beta: number;
  /** The nodes that compute it. */
  readonly nodes: readonly OnnxNode[];
  /** The value that it gives. */
  readonly output: string;
}

/** Ops behind a last layer that leave the order of its scores as it is. */
const BEHIND: ReadonlySet<string> = new Set([
  ...['Softmax', 'LogSoftmax', 'Sigmoid', 'Identity', 'Flatten', 'Reshape', 'Squeeze', 'Cast'],
]);

/**
 * The last layer before the graph's first output, or the one that is chosen: by the name of its node, of its output, or
 * of the layer (`fc` of `fc.weight`).
 * @throws FileError if there is none; it lists those that could be chosen
 */
export function findHead({ graph }: OnnxModel, parts: Parts, chosen?: string): Head {
  const heads = parts.nodes.flatMap((node) => headAt(node, parts) ?? []);
  const choices = () =>
    heads.length === 0
      ? 'It has no product with a matrix of weights (Gemm, MatMul), so it cannot be trained on other classes here.'
      : `Choose one with --head: ${listed(heads.map(({ nodes, name }) => nodes[0]!.name || name))}.`;
  if (chosen !== undefined) {
    // A product and the addition of its bias are one layer.
    const found = heads.filter(
      ({ nodes, name, output }) => name === chosen || output === chosen || nodes.some((node) => node.name === chosen),
    );
    const [head] = found.sort((a, b) => b.nodes.length - a.nodes.length);
    if (head) return head;
    throw new FileError(`${parts.file}: has no last layer ${quote(chosen)}. ${choices()}`);
  }
  const [output] = graph.outputs;
  let node = output && parts.makers.get(output.name);
  for (let steps = 0; node && BEHIND.has(node.op) && steps < parts.nodes.length; steps++) {
    node = parts.makers.get(node.inputs[0] ?? '');
  }
  const head = heads.find(({ nodes }) => nodes.at(-1) === node);
  if (head) return head;
  const found = node ? `found ${nodeTitle(node)} there` : 'found none';
  throw new FileError(
    `${parts.file}: expected a last layer (Gemm, or MatMul and Add) before its output, ${found}. ${choices()}`,
  );
}

/** The layer that ends with this node. */
function headAt(node: OnnxNode, parts: Parts): Head | undefined {
  if (node.domain !== '') return undefined;
  if (node.op === 'Gemm') return gemm(node, parts);
  if (node.op === 'MatMul') return product(node, parts);
  return node.op === 'Add' ? productAndBias(node, parts) : undefined;
}

function gemm(node: OnnxNode, parts: Parts): Head | undefined {
  const [input = '', weight = '', bias = ''] = node.inputs;
  const number = (name: string, otherwise: number) => {
    const attribute = node.attributes.get(name);
    return attribute && isNumber(attribute) ? attribute.value : otherwise;
  };
  if (number('transA', 0) !== 0) return undefined;
  return layer(parts, {
    ...{ input, weight, bias, nodes: [node], output: node.outputs[0]! },
    ...{ flipped: number('transB', 0) === 0, alpha: number('alpha', 1), beta: number('beta', 1) },
  });
}

function product(node: OnnxNode, parts: Parts): Head | undefined {
  const [input = '', weight = ''] = node.inputs;
  const plain = { flipped: true, alpha: 1, beta: 1 };
  return layer(parts, { ...plain, input, weight, bias: '', nodes: [node], output: node.outputs[0]! });
}

function productAndBias(node: OnnxNode, parts: Parts): Head | undefined {
  for (const [value = '', bias = ''] of [node.inputs, node.inputs.toReversed()]) {
    const maker = parts.makers.get(value);
    if (maker?.op !== 'MatMul' || !parts.weights.has(bias)) continue;
    const [input = '', weight = ''] = maker.inputs;
    const plain = { flipped: true, alpha: 1, beta: 1 };
    return layer(parts, { ...plain, input, weight, bias, nodes: [maker, node], output: node.outputs[0]! });
  }
  return undefined;
}

/** Its weight and bias by the names of values; '' for none. */
interface Found extends Omit<Head, 'name' | 'featureSize' | 'outputs' | 'weightSource' | 'biasSource'> {
  readonly weight: string;
  readonly bias: string;
}

/** Undefined unless weight and bias are the file's, and fit each other. */
function layer(parts: Parts, { weight: given, bias: biasName, ...found }: Found): Head | undefined {
  const { name: weightName, turned } = turnedWeight(given, parts);
  const weight = parts.weights.get(weightName);
  if (weight?.shape.length !== 2 || parts.weights.has(found.input)) return undefined;
  const flipped = found.flipped !== turned;
  const [outputs, featureSize] = (flipped ? weight.shape.toReversed() : weight.shape) as [number, number];
  const bias = parts.weights.get(biasName);
  if (biasName !== '' && (bias?.shape.length !== 1 || bias.shape[0] !== outputs)) return undefined;
  if (outputs < 1 || featureSize < 1) return undefined;
  const name = layerName(found.nodes[0]!, weightName);
  return { ...found, name, flipped, weightSource: weight.source, biasSource: bias?.source, outputs, featureSize };
}

/** The weight behind a Transpose, which torch.onnx puts before a MatMul. */
function turnedWeight(name: string, { makers }: Parts): { name: string; turned: boolean } {
  const node = makers.get(name);
  const perm = node?.attributes.get('perm');
  const turns = node?.op === 'Transpose' && (!perm || (perm.type === 'ints' && perm.value.join() === '1,0'));
  return turns ? { name: node.inputs[0] ?? '', turned: true } : { name, turned: false };
}

/** `fc` of `fc.weight`, or of the node `/fc/Gemm`. */
function layerName(node: OnnxNode, weight: string): string {
  const path = weight.endsWith('.weight') ? weight.slice(0, -'.weight'.length) : '';
  if (path !== '' && isPath(path)) return path;
  const scopes = node.name.split('/').filter((scope) => scope !== '');
  const scope = scopes.length > 1 ? scopes.at(-2)! : '';
  return scope !== '' && isPath(scope) ? scope : 'head';
}

function isNumber(attribute: {
  readonly type: string;
}): attribute is Extract<OnnxAttribute, { type: 'int' | 'float' }> {
  return attribute.type === 'int' || attribute.type === 'float';
}

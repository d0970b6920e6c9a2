/** A file's tensors and nodes, sorted: weights, constants, and what computes. */
import { FileError } from '../errors.ts';
import { quote } from '../printable.ts';
import { constantOf } from './constants.ts';
import { isKnownOp } from './op-table.ts';
import type { OnnxModel, OnnxNode, OnnxTensor, OnnxType } from './types.ts';

/** A tensor of floats in the file, or one that stands in for it. */
export interface Weight {
  readonly shape: readonly number[];
  readonly type: OnnxType;
  /** The initialiser that has its values. */
  readonly source: string;
}

/** A file's parts by the names of their values. */
export interface Parts {
  readonly file: string;
  readonly weights: ReadonlyMap<string, Weight>;
  readonly constants: ReadonlyMap<string, OnnxTensor>;
  /** Without constants and copies of weights. */
  readonly nodes: readonly OnnxNode[];
  /** The node that gives a value. */
  readonly makers: ReadonlyMap<string, OnnxNode>;
}

const FLOATS: ReadonlySet<OnnxType> = new Set(['f16', 'f32', 'f64']);

/** What a node is called in messages. */
export function nodeTitle({ name, op, outputs }: OnnxNode): string {
  return `node ${quote(name || outputs[0] || '')} (${quote(op)})`;
}

/**
 * Sorts a file's tensors. A copy of a weight (Identity) becomes a weight of its own: torch.onnx merges tensors of equal values
 * this way, which a network that learns must not share.
 */
export function partsOf({ graph }: OnnxModel, file: string): Parts {
  const weights = new Map<string, Weight>();
  const constants = new Map<string, OnnxTensor>();
  for (const [name, tensor] of graph.initializers) {
    if (FLOATS.has(tensor.type)) weights.set(name, { shape: tensor.shape, type: tensor.type, source: name });
    else constants.set(name, tensor);
  }
  for (const { name, type, shape } of graph.inputs.slice(1)) {
    if (graph.initializers.has(name)) continue;
    // The graph beside a run's weights has those as inputs, behind the images.
    const sizes = shape?.filter((size): size is number => typeof size === 'number' && size >= 0);
    if (type !== 'f32' || !sizes || sizes.length !== shape?.length) continue;
    weights.set(name, { shape: sizes, type, source: name });
  }
  // A weight in half precision that is cast to f32 is read as f32 at once.
  const casts = new Map<string, string>();
  const nodes: OnnxNode[] = [];
  const makers = new Map<string, OnnxNode>();
  for (const given of graph.nodes) {
    const node = { ...given, inputs: given.inputs.map((name) => casts.get(name) ?? name) };
    const [output = ''] = node.outputs;
    const copied = isKnownOp(node) && node.op === 'Identity' ? (node.inputs[0] ?? '') : '';
    const [weight, constant] = [weights.get(copied), constants.get(copied) ?? constantOf(node)];
    for (const name of node.outputs) {
      if (name === '' || !(weights.has(name) || constants.has(name) || makers.has(name))) continue;
      throw new FileError(`${file}: two values have the name ${quote(name)}; the file is damaged: export it again`);
    }
    if (weight) weights.set(output, weight);
    else if (isCastToFloat(node) && weights.has(node.inputs[0] ?? '')) casts.set(output, node.inputs[0]!);
    else if (constant) constants.set(output, constant);
    else {
      nodes.push(node);
      for (const name of node.outputs) if (name !== '') makers.set(name, node);
    }
  }
  return { file, weights, constants, nodes, makers };
}

const FLOAT = 1;

function isCastToFloat({ op, domain, attributes }: OnnxNode): boolean {
  const to = attributes.get('to');
  return op === 'Cast' && domain === '' && to?.type === 'int' && to.value === FLOAT;
}

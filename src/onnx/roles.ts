/** Which tensors of floats learn, which are statistics, and which are constants. */
import { FileError } from '../errors.ts';
import { quote } from '../printable.ts';
import type { Parts } from './parts.ts';
import type { OnnxNode } from './types.ts';

export interface Roles {
  /** By the names of values, in the order of their first use. */
  readonly entries: ReadonlyMap<string, 'parameter' | 'buffer'>;
  readonly constants: ReadonlySet<string>;
}

/** Inputs that say how an op works, and are no weights. */
const SETTINGS: Readonly<Record<string, readonly number[]>> = {
  Clip: [1, 2],
  Dropout: [1, 2],
  Pad: [2],
  Pow: [1],
};

/** Ops by which files scale and shift the pictures before the first layer. */
const PREPARING: ReadonlySet<string> = new Set(['Add', 'Sub', 'Mul', 'Div', 'Clip', 'Transpose', 'Cast', 'Identity']);

/** Inputs of a batch norm that are its running mean and variance. */
const STATISTICS = [3, 4];

/**
 * Sorts the weights by how nodes use them. Constants are single values without dimensions, settings of ops, and what
 * scales and shifts the pictures themselves before the first layer.
 * @throws FileError if a tensor is both a weight and a statistic
 */
export function rolesOf(nodes: readonly OnnxNode[], { file, weights, makers }: Parts, image: string): Roles {
  const entries = new Map<string, 'parameter' | 'buffer'>();
  const constants = new Set<string>();
  const pictures = new Set([image]);
  for (const node of nodes) {
    const prepares = PREPARING.has(node.op) && node.inputs.some((name) => pictures.has(name));
    if (prepares && node.inputs.every((name) => pictures.has(name) || !makers.has(name))) {
      for (const name of node.outputs) pictures.add(name);
    }
    const isPreparing = prepares && node.outputs.every((name) => pictures.has(name));
    for (const [index, name] of node.inputs.entries()) {
      const weight = weights.get(name);
      if (!weight) continue;
      if (isPreparing || weight.shape.length === 0 || SETTINGS[node.op]?.includes(index)) {
        constants.add(name);
        continue;
      }
      const kind = node.op === 'BatchNormalization' && STATISTICS.includes(index) ? 'buffer' : 'parameter';
      const before = entries.get(name);
      if (before !== undefined && before !== kind) {
        throw new FileError(
          `${file}: tensor ${quote(name)} is both a weight and a statistic of a batch norm, so it cannot learn. Export the network ` +
            'with keep_initializers_as_inputs=False and its weights apart.',
        );
      }
      entries.set(name, kind);
    }
  }
  // What learns somewhere learns.
  return { entries, constants: new Set([...constants].filter((name) => !entries.has(name))) };
}

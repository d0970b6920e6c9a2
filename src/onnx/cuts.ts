/** Places at which a graph can be cut in two: one value carries all that the pictures decide. */
import type { OnnxNode } from './types.ts';

export interface Cut {
  readonly value: string;
  /** Nodes before it. */
  readonly after: number;
}

/** The cuts between images and features, in the order of computing. */
export function cutsOf(nodes: readonly OnnxNode[], image: string, features: string): Cut[] {
  const lastUses = new Map<string, number>();
  for (const [i, { inputs }] of nodes.entries()) for (const name of inputs) lastUses.set(name, i);
  lastUses.set(features, nodes.length);
  const live = new Set([image]);
  const decided = new Set([image]);
  const cuts = new Map<string, Cut>();
  for (const [i, { inputs, outputs }] of nodes.entries()) {
    if (inputs.some((name) => decided.has(name))) {
      for (const name of outputs) {
        decided.add(name);
        if ((lastUses.get(name) ?? -1) > i) live.add(name);
      }
    }
    for (const name of inputs) if (lastUses.get(name) === i) live.delete(name);
    const [value] = live;
    if (live.size === 1 && value !== undefined && value !== image && !cuts.has(value))
      cuts.set(value, { value, after: i + 1 });
  }
  return [...cuts.values()];
}

/** Which nodes what the pictures decide does not reach, such as those that turn a weight. */
export function independentOf(nodes: readonly OnnxNode[], image: string): ReadonlySet<OnnxNode> {
  const decided = new Set([image]);
  const independent = new Set<OnnxNode>();
  for (const node of nodes) {
    if (node.inputs.some((name) => decided.has(name))) for (const name of node.outputs) decided.add(name);
    else independent.add(node);
  }
  return independent;
}

/** The parts of a graph in the order of computing, which a run can freeze one by one. */
import type { EntryNames } from './entry-names.ts';
import type { OnnxNode } from './types.ts';

/** The name of the only block of a graph whose nodes and tensors have no scopes. */
const ALL = 'all';

/**
 * Blocks are the outermost scopes of the nodes that use the tensors (`layer1` of `/layer1/layer1.0/conv1/Conv`), or of the
 * tensors' names. A scope of more than half of all tensors is split into its own parts (`features` into `features.0` …).
 * @param names of the network's tensors, in the order of their first use
 * @param head the name of the last layer, which is the last block and has none of them
 * @returns names of values by block
 */
export function blocksOf(nodes: readonly OnnxNode[], names: EntryNames, head: string): Map<string, readonly string[]> {
  const paths = pathsOf(nodes, names);
  const outer = grouped(paths, () => 1);
  const largest = [...outer].find(([, values]) => 2 * values.length > names.size)?.[0];
  const blocks = largest === undefined ? outer : grouped(paths, (path) => (path[0] === largest ? 2 : 1));
  // The last layer may be called as a scope of which it is a part.
  const entries = [...blocks].map(([name, values]) => [name === head ? `before ${head}` : name, values] as const);
  return new Map([...entries, [head, []]]);
}

/** The scopes of each value, the outermost first, each with those around it: `features.0`. */
function pathsOf(nodes: readonly OnnxNode[], names: EntryNames): Map<string, string[]> {
  const paths = new Map<string, string[]>();
  for (const node of nodes) {
    for (const value of node.inputs) {
      const name = names.get(value);
      if (name === undefined || paths.has(value)) continue;
      // The last part of a node's name is the node itself, that of a tensor the tensor.
      const scopes = node.name.split('/').filter((scope) => scope !== '');
      const path = scopes.length > 1 ? scopes.slice(0, -1) : name.split('.').slice(0, -1);
      paths.set(value, path.length > 0 ? path : [ALL]);
    }
  }
  return paths;
}

/** @param depth how many scopes of a path make a block */
function grouped(
  paths: ReadonlyMap<string, string[]>,
  depth: (path: readonly string[]) => number,
): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [value, path] of paths) {
    const key = nameOf(path.slice(0, depth(path)));
    groups.set(key, [...(groups.get(key) ?? []), value]);
  }
  return groups;
}

/** torch.onnx repeats the outer scope in the inner one: `features/features.0`. */
function nameOf([outer = ALL, inner]: readonly string[]): string {
  if (inner === undefined) return outer;
  return inner.startsWith(`${outer}.`) ? inner : `${outer}.${inner}`;
}

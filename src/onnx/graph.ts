/**
 * What an ONNX file says of a classifier, ready to be built: which of its tensors learn, which are statistics and which
 * constants, where its last layer is, and what is computed before it. It knows names and shapes, and of weights no values.
 */
import { FileError } from '../errors.ts';
import { listed, quote } from '../printable.ts';
import { blocksOf } from './blocks.ts';
import { type Cut, cutsOf } from './cuts.ts';
import { type EntryNames, entryNamesOf } from './entry-names.ts';
import { findHead, type Head } from './head.ts';
import { type ImageInput, imageInputOf, withoutPreparing } from './image-input.ts';
import { isKnownOp, OP_NAMES } from './op-table.ts';
import { nodeTitle, type Parts, partsOf } from './parts.ts';
import { rolesOf } from './roles.ts';
import type { OnnxModel, OnnxNode, OnnxTensor } from './types.ts';

/** Versions of ONNX's ops whose differences the table knows. */
export const OLDEST_OPSET = 9;
export const NEWEST_OPSET = 20;

/** A tensor that the network owns. */
export interface Entry {
  /** Its name in state dicts. */
  readonly name: string;
  readonly shape: readonly number[];
  /** The initialiser that has its values. */
  readonly source: string;
  /** Buffers are the statistics of batch norms. */
  readonly kind: 'parameter' | 'buffer';
}

export interface NetworkGraph {
  readonly opset: number;
  readonly image: ImageInput;
  /** From the images to the head's input, each after those whose outputs it takes. */
  readonly nodes: readonly OnnxNode[];
  /** By the names of values in the nodes, in the order of their first use. Without the head's. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** By the names of values. */
  readonly constants: ReadonlyMap<string, OnnxTensor>;
  readonly head: Head;
  /** Names of values in `entries`, block by block; the last is the head's, and empty. */
  readonly blocks: ReadonlyMap<string, readonly string[]>;
  /** Values through which all passes that the images decide. */
  readonly cuts: readonly Cut[];
  /** Nodes behind the head that are left out, by their ops. */
  readonly left: readonly string[];
}

/**
 * @param file its name in errors
 * @param chosenHead the node, or the last layer's name, at which the network ends; by default the last one
 * @throws FileError if it is no classifier of pictures made of ops that we have
 */
export function graphOf(model: OnnxModel, file: string, chosenHead?: string): NetworkGraph {
  const { opset } = model;
  if (!(opset >= OLDEST_OPSET && opset <= NEWEST_OPSET)) {
    throw new FileError(
      `${file}: uses version ${opset} of ONNX's ops (opset), expected ${OLDEST_OPSET} to ${NEWEST_OPSET}; export it again ` +
        'with opset_version=17',
    );
  }
  const parts = partsOf(model, file);
  const image = withoutPreparing(imageInputOf(model, file), model, parts);
  const head = findHead(model, parts, chosenHead);
  const nodes = nodesBefore(head.input, image.name, parts);
  checkOps(nodes, file);
  checkOrder(nodes, parts, image.name, head);
  const roles = rolesOf(nodes, parts, image.name);
  const names = entryNamesOf([...roles.entries.keys()], [`${head.name}.weight`, `${head.name}.bias`]);
  const entries = entriesOf(roles.entries, names, parts);
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  const constants = new Map([...parts.constants, ...constantWeights(roles.constants, model, parts)]);
  return {
    ...{ opset, image, nodes, entries, head },
    constants: new Map([...constants].filter(([name]) => used.has(name))),
    blocks: blocksOf(nodes, names, head.name),
    cuts: cutsOf(nodes, image.name, head.input),
    left: leftBehind(parts, nodes, head),
  };
}

/** The nodes from the images to a value, in the file's order. */
function nodesBefore(value: string, image: string, { nodes, makers }: Parts): OnnxNode[] {
  const needed = new Set<OnnxNode>();
  const pending = [value];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const node = name === image ? undefined : makers.get(name);
    if (!node || needed.has(node)) continue;
    needed.add(node);
    pending.push(...node.inputs);
  }
  return nodes.filter((node) => needed.has(node));
}

function checkOps(nodes: readonly OnnxNode[], file: string): void {
  for (const node of nodes) {
    const other = [...node.attributes].find(([, { type }]) => type === 'other');
    if (!other) continue;
    throw new FileError(
      `${file}: ${nodeTitle(node)} has an attribute ${quote(other[0])} of kind ${other[1].value}, which is not read; export the ` +
        'network without it',
    );
  }
  const unknown = nodes.filter((node) => !isKnownOp(node));
  const [first] = unknown;
  if (!first) return;
  const others = new Set(unknown.map(({ op }) => op));
  others.delete(first.op);
  throw new FileError(
    `${file}: ${nodeTitle(first)} is of an op that there is not here` +
      `${others.size > 0 ? ` (nor are ${listed(others)})` : ''}; expected ops of ${OP_NAMES.join(', ')}. Export the network ` +
      'without it, or choose a last layer that does not need it with --head.',
  );
}

function checkOrder(nodes: readonly OnnxNode[], { file, weights, constants }: Parts, image: string, head: Head): void {
  const known = new Set([image, ...weights.keys(), ...constants.keys()]);
  for (const node of nodes) {
    const missing = node.inputs.find((name) => name !== '' && !known.has(name));
    if (missing !== undefined) {
      throw new FileError(
        `${file}: ${nodeTitle(node)} takes ${quote(missing)}, which nothing before it gives; the file is damaged: export it again`,
      );
    }
    for (const name of node.outputs) known.add(name);
  }
  if (!known.has(head.input) || weights.has(head.input) || constants.has(head.input)) {
    throw new FileError(`${file}: the last layer ${quote(head.name)} does not take what is computed from pictures.`);
  }
}

function entriesOf(
  kinds: ReadonlyMap<string, Entry['kind']>,
  names: EntryNames,
  { weights }: Parts,
): Map<string, Entry> {
  return new Map(
    [...kinds].map(([value, kind]) => {
      const { shape, source } = weights.get(value)!;
      return [value, { name: names.get(value)!, shape, source, kind }];
    }),
  );
}

function* constantWeights(names: Iterable<string>, { graph }: OnnxModel, { weights }: Parts) {
  for (const name of names) {
    const tensor = graph.initializers.get(weights.get(name)!.source);
    if (tensor) yield [name, { ...tensor, name }] as const;
  }
}

function leftBehind({ nodes }: Parts, kept: readonly OnnxNode[], head: Head): string[] {
  const known = new Set([...kept, ...head.nodes]);
  return nodes.filter((node) => !known.has(node)).map(({ op }) => op);
}

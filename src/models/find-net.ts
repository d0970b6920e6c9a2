/**
 * Finds a network's entries in a checkpoint. Lightning puts `model.` before every name, other scripts `backbone.` or
 * `net.`, and a training state holds more than the network.
 */
import { FileError } from '../errors.ts';
import { listed, printable, quote } from '../printable.ts';
import { type Checkpoint, isAveraged } from '../weights/index.ts';
import { fromTimm, MARKS, netWith } from './registry.ts';

const NAMES_SHOWN = 5;
/** In one file. Each name is held against each. */
const MOST_NETS = 16;

/**
 * Takes the network's entries, without the prefix before their names, and under torchvision's names if they are timm's.
 * @returns the same checkpoint if there is no prefix, or no known network; what was done is in its notes
 * @throws FileError if there are several networks, and nothing says which
 */
export function findNet(path: string, checkpoint: Checkpoint): Checkpoint {
  return underOurNames(path, withoutPrefix(path, checkpoint));
}

function underOurNames(path: string, checkpoint: Checkpoint): Checkpoint {
  const { tensors, metadata } = checkpoint;
  const renamed = netWith(tensors) ? undefined : fromTimm(tensors);
  if (!renamed) return checkpoint;
  refuseTensorFlow(path, metadata);
  const entries = new Map(
    Array.from(renamed, ([old, { name, shape, plus }]) => {
      const tensor = tensors.get(old)!;
      if (plus !== undefined) return [name, { shape, data: tensor.data.map((value) => value + plus) }];
      return [name, tensor.shape.join() === shape.join() ? tensor : { ...tensor, shape }];
    }),
  );
  const note = netWith(entries)?.timmNote;
  const notes = [...(checkpoint.notes ?? []), note === undefined ? "timm's names" : `timm's names (${note})`];
  return { ...checkpoint, tensors: entries, notes };
}

/**
 * timm's nets whose names begin with tf_ have the entries of the others, but pad their pictures as TensorFlow does. Only what
 * is written beside the entries can tell them.
 */
function refuseTensorFlow(path: string, metadata: Checkpoint['metadata']): void {
  const names = [path.split(/[\\/]/).at(-1), metadata?.arch, metadata?.architecture];
  const name = names.find((one) => typeof one === 'string' && one.startsWith('tf_'));
  if (name === undefined) return;
  throw new FileError(
    `${path}: expected weights of a network that pads its pictures as PyTorch does, found those of timm's ${printable(name)}, ` +
      'which pads them as TensorFlow does. Give the same network without tf_ in its name, or weights of torchvision.',
  );
}

function withoutPrefix(path: string, checkpoint: Checkpoint): Checkpoint {
  const { tensors } = checkpoint;
  const prefixes = prefixesOf(tensors.keys());
  const prefix = choosePrefix(path, prefixes);
  if (prefix === undefined || (prefix === '' && prefixes.length === 1)) return checkpoint;
  const others = prefixes.filter((one) => one !== prefix);
  const own = (name: string) =>
    name.startsWith(prefix) && !others.some((one) => one.length > prefix.length && name.startsWith(one));
  const left = [...tensors.keys()].filter((name) => !own(name));
  const notes = [...(checkpoint.notes ?? [])];
  if (prefix !== '') notes.push(`names without ${quote(prefix)}`);
  if (others.length > 0) {
    const [other] = others;
    const kind = isAveraged(other!) ? 'averaged weights' : 'another network';
    const where = other === '' ? '' : `: choose by ${path}#${printable(other!.slice(0, -1))}`;
    notes.push(`the file also holds ${kind} under ${other === '' ? 'names without a prefix' : quote(other!)}${where}`);
  }
  if (left.length > 0)
    notes.push(
      `${left.length} other ${left.length === 1 ? 'entry' : 'entries'} left out (${listed(left, NAMES_SHOWN)})`,
    );
  const entries = [...tensors].filter(([name]) => own(name));
  return { ...checkpoint, tensors: new Map(entries.map(([name, one]) => [name.slice(prefix.length), one])), notes };
}

/** The prefix before all names, if it stands before a network's; '' if not. For those who must keep every entry. */
export function commonPrefix({ tensors }: Checkpoint): string {
  const [prefix, second] = prefixesOf(tensors.keys());
  if (prefix === undefined || second !== undefined) return '';
  return [...tensors.keys()].every((name) => name.startsWith(prefix) && name.length > prefix.length) ? prefix : '';
}

function prefixesOf(names: Iterable<string>): string[] {
  const prefixes = new Set<string>();
  for (const name of names) {
    const mark = MARKS.find((one) => name === one || name.endsWith(`.${one}`));
    if (mark !== undefined) prefixes.add(name.slice(0, -mark.length));
  }
  return [...prefixes];
}

/** Raw weights before averaged ones. */
function choosePrefix(path: string, prefixes: readonly string[]): string | undefined {
  if (prefixes.length <= 1) return prefixes[0];
  const raw = prefixes.filter((prefix) => !isAveraged(prefix));
  if (raw.length === 1 && prefixes.length <= MOST_NETS) return raw[0];
  const named = prefixes.filter((prefix) => prefix !== '');
  throw new FileError(
    `${path}: holds ${prefixes.length} networks, whose names begin with ${listed(prefixes, NAMES_SHOWN, quote)}, and ` +
      `nothing says which to take; name one: ${path}#${printable(named[0]!.slice(0, -1))}`,
  );
}

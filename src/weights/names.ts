/**
 * Names of tensors without what wrappers of the model put before them, and parts of a checkpoint by the beginning of
 * their names. The same for every format.
 */

import { FileError } from '../errors.ts';
import { listed, quote } from '../printable.ts';
import type { Checkpoint, TensorData } from './types.ts';

/** Of DataParallel, DistributedDataParallel and AveragedModel, and of torch.compile. */
const WRAPPERS: readonly string[] = ['module.', '_orig_mod.'];
/** torch.compile may also wrap a part of a model. */
const INNER_WRAPPER = /(?<=\.)_orig_mod\./g;
/** The count of torch's AveragedModel, beside `module.`. */
const AVERAGED_COUNT = 'n_averaged';
/** Wrappers around wrappers. */
const MOST_WRAPPERS = 4;

type Tensors = ReadonlyMap<string, TensorData>;

/**
 * Removes wrappers' prefixes: only those before every name, since otherwise the prefix belongs to a part of the model
 * of that name.
 */
export function withoutWrappers(checkpoint: Checkpoint): Checkpoint {
  let { tensors, metadata } = checkpoint;
  const notes = [...(checkpoint.notes ?? [])];
  const count = tensors.get(AVERAGED_COUNT);
  if (
    count &&
    tensors.size > 1 &&
    [...tensors.keys()].every((name) => name === AVERAGED_COUNT || isBelow(name, 'module.'))
  ) {
    tensors = new Map([...tensors].filter(([name]) => name !== AVERAGED_COUNT));
    const models = String(count.data[0]);
    metadata = { ...metadata, [AVERAGED_COUNT]: models };
    notes.push(`the average of ${models} models (AveragedModel)`);
  }
  let removed = '';
  for (let round = 0; round < MOST_WRAPPERS; round++) {
    const prefix = WRAPPERS.find((one) => allBelow(tensors, one));
    if (prefix === undefined) break;
    removed += prefix;
    tensors = rename(tensors, (name) => name.slice(prefix.length));
  }
  if (removed !== '') notes.push(`names without ${quote(removed)}`);
  if ([...tensors.keys()].some((name) => name.includes('._orig_mod.'))) {
    const inner = rename(tensors, (name) => name.replaceAll(INNER_WRAPPER, ''));
    // Fewer names means that two became one: then the parts are called so.
    if (inner.size === tensors.size) {
      tensors = inner;
      notes.push('names without an inner "_orig_mod."');
    }
  }
  return { tensors, metadata, ...(notes.length > 0 && { notes }) };
}

/**
 * The tensors whose names begin with `choice` and a dot, without it.
 * @throws FileError if there are none
 */
export function below(path: string, checkpoint: Checkpoint, choice: string): Checkpoint {
  const prefix = choice.endsWith('.') ? choice : `${choice}.`;
  const tensors = new Map([...checkpoint.tensors].filter(([name]) => isBelow(name, prefix)));
  if (tensors.size === 0) {
    const beginnings = new Set(Array.from(checkpoint.tensors.keys(), (name) => name.split('.', 1)[0]!));
    throw new FileError(
      `${path}: holds no state dict ${quote(choice)}, and no tensors under that name; its names begin with ` +
        `${listed(beginnings, 8, quote)}`,
    );
  }
  const notes = [...(checkpoint.notes ?? []), `only the names below ${quote(prefix)}`];
  return { ...checkpoint, tensors: rename(tensors, (name) => name.slice(prefix.length)), notes };
}

function allBelow(tensors: Tensors, prefix: string): boolean {
  if (tensors.size === 0) return false;
  for (const name of tensors.keys()) if (!isBelow(name, prefix)) return false;
  return true;
}

/** A name that is only the prefix stays: nothing would be left of it. */
function isBelow(name: string, prefix: string): boolean {
  return name.startsWith(prefix) && name.length > prefix.length;
}

function rename(tensors: Tensors, to: (name: string) => string): Map<string, TensorData> {
  return new Map(Array.from(tensors, ([name, tensor]) => [to(name), tensor]));
}

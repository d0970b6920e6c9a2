/**
 * Finds the tensors in a .pth. People save the state dict itself, or a training checkpoint with the dict under a key
 * beside `epoch` and `optimizer`. Wrappers of the model leave a prefix on every name.
 */

import { FileError } from '../errors.ts';
import { quote } from './file.ts';
import { describeValue, PickleDict, type PickleValue } from './pickle-values.ts';
import { TensorRef } from './torch-objects.ts';

/** Keys under which training scripts store the state dict, the most specific first. */
const WRAPPER_KEYS = ['state_dict', 'model_state_dict', 'model'];
/** Prefixes of DataParallel and DistributedDataParallel, and of torch.compile. */
const NAME_PREFIXES = ['module.', '_orig_mod.'];
/** Limit of nested wrappers. No script has more, and it stops at a dict that contains itself. */
const DEEPEST_WRAPPER = 4;
const KEYS_SHOWN = 8;

const FIX = 'save the state dict alone: torch.save(model.state_dict(), "weights.pth")';

/**
 * Finds the state dict.
 * @param value the unpickled value
 * @returns tensors under torch's names in the file's order, and the plain values beside them, as strings
 * @throws FileError if there is no dict of tensors, or an entry is neither tensor nor plain value
 */
export function findStateDict(
  file: string,
  value: PickleValue,
): { tensors: Map<string, TensorRef>; metadata: Record<string, string> } {
  if (!(value instanceof PickleDict)) {
    throw new FileError(`${file}: expected a dict of tensors, found ${describeValue(value)}; ${FIX}`);
  }
  const metadata = new Map<string, string>();
  let dict = value;
  for (let depth = 0; depth < DEEPEST_WRAPPER; depth++) {
    const inner = WRAPPER_KEYS.map((key) => dict.entries.get(key)).find((entry) => entry instanceof PickleDict);
    if (!(inner instanceof PickleDict)) break;
    collectPlainValues(dict, metadata);
    dict = inner;
  }
  collectPlainValues(dict, metadata);
  const tensors = collectTensors(file, dict);
  return { tensors: withoutPrefixes(tensors), metadata: Object.fromEntries(metadata) };
}

function collectPlainValues(dict: PickleDict, metadata: Map<string, string>): void {
  for (const [key, value] of dict.entries) {
    if (typeof key === 'string' && isPlain(value)) metadata.set(key, String(value));
  }
}

function collectTensors(file: string, dict: PickleDict): Map<string, TensorRef> {
  const tensors = new Map<string, TensorRef>();
  const others: [PickleValue, PickleValue][] = [];
  for (const [key, value] of dict.entries) {
    if (value instanceof TensorRef && typeof key === 'string') tensors.set(key, value);
    else if (!isPlain(value) && value !== null) others.push([key, value]);
  }
  if (tensors.size === 0) {
    throw new FileError(`${file}: holds no dict of tensors, only the keys ${listKeys(dict)}; ${FIX}`);
  }
  const other = others[0];
  if (other !== undefined) {
    throw new FileError(
      `${file}: beside ${tensors.size} tensors, entry ${nameKey(other[0])} is ${describeValue(other[1])}, but a ` +
        `tensor was expected; ${FIX}`,
    );
  }
  return tensors;
}

/** Strips a prefix only if every name has it. Otherwise it belongs to a part of the model called "module". */
function withoutPrefixes(tensors: Map<string, TensorRef>): Map<string, TensorRef> {
  let result = tensors;
  for (const prefix of [...NAME_PREFIXES, ...NAME_PREFIXES]) {
    const names = [...result.keys()];
    if (names.every((name) => name.startsWith(prefix) && name.length > prefix.length)) {
      result = new Map([...result].map(([name, tensor]) => [name.slice(prefix.length), tensor]));
    }
  }
  return result;
}

function isPlain(value: PickleValue): value is string | number | boolean | bigint {
  return ['string', 'number', 'boolean', 'bigint'].includes(typeof value);
}

function listKeys(dict: PickleDict): string {
  const keys = [...dict.entries.keys()];
  const shown = keys.slice(0, KEYS_SHOWN).map(nameKey).join(', ');
  return keys.length === 0 ? '(none: it is empty)' : keys.length > KEYS_SHOWN ? `${shown}, …` : shown;
}

function nameKey(key: PickleValue): string {
  if (typeof key === 'string') return quote(key);
  return typeof key === 'number' ? String(key) : `(${describeValue(key)})`;
}

/** The tensors of a .pth and the plain values beside them. */

import { FileError } from '../errors.ts';
import { type ChosenDict, chooseDict, nameKey } from './choose-dict.ts';
import { CLASSES_KEY, findClassNames, isClassesKey } from './class-names.ts';
import { MOST_METADATA, MOST_TENSORS } from './limits.ts';
import { describeValue, type PickleDict, type PickleValue } from './pickle-values.ts';
import { TensorRef } from './torch-objects.ts';

const FIX = 'save the state dict alone: torch.save(model.state_dict(), "weights.pth")';

export interface FoundStateDict {
  /** Under the file's names, in its order. */
  readonly tensors: Map<string, TensorRef>;
  /** The plain values beside them, as strings, and class names as a JSON array. */
  readonly metadata: Record<string, string>;
  readonly chosen: ChosenDict;
}

/**
 * Finds the state dict.
 * @param value the unpickled value
 * @param choice the dict to take; undefined to take the raw weights
 * @throws FileError if there is no dict of tensors, an entry is neither tensor nor plain value, or there are too many
 */
export function findStateDict(file: string, value: PickleValue, choice: string | undefined): FoundStateDict {
  const chosen = chooseDict(file, value, choice);
  const tensors = collectTensors(file, chosen.dict);
  const dicts = [...chosen.around, chosen.dict];
  const metadata = new Map<string, string>();
  for (const dict of dicts) collectPlainValues(file, dict, metadata);
  const classes = findClassNames(dicts);
  if (classes) metadata.set(CLASSES_KEY, JSON.stringify(classes));
  return { tensors, metadata: Object.fromEntries(metadata), chosen };
}

/** One long string may stand under many keys, so all values together have a limit. */
function collectPlainValues(file: string, dict: PickleDict, metadata: Map<string, string>): void {
  for (const [key, value] of dict.entries) {
    if (typeof key === 'string' && isPlain(value)) metadata.set(key, String(value));
  }
  let length = 0;
  for (const [key, value] of metadata) length += key.length + value.length;
  if (length <= MOST_METADATA) return;
  throw new FileError(`${file}: the values beside its tensors take more than ${MOST_METADATA} characters; ${FIX}`);
}

function collectTensors(file: string, dict: PickleDict): Map<string, TensorRef> {
  const tensors = new Map<string, TensorRef>();
  let other: [PickleValue, PickleValue] | undefined;
  for (const [key, value] of dict.entries) {
    if (value instanceof TensorRef && typeof key === 'string') tensors.set(key, value);
    else if (!isPlain(value) && value !== null && !isClassesKey(key)) other ??= [key, value];
  }
  if (tensors.size > MOST_TENSORS) {
    throw new FileError(`${file}: holds ${tensors.size} tensors, expected at most ${MOST_TENSORS}; save it in parts`);
  }
  if (other !== undefined) {
    throw new FileError(
      `${file}: beside ${tensors.size} tensors, entry ${nameKey(other[0])} is ${describeValue(other[1])}, but a ` +
        `tensor was expected; ${FIX}`,
    );
  }
  return tensors;
}

function isPlain(value: PickleValue): value is string | number | boolean | bigint {
  return ['string', 'number', 'boolean', 'bigint'].includes(typeof value);
}

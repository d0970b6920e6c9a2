/**
 * Finds the state dicts in a .pth and chooses one. People save the state dict itself, or a training checkpoint with the
 * dict under a key beside `epoch` and `optimizer`; some also save the average of the weights (EMA, SWA) beside them.
 */

import { FileError } from '../errors.ts';
import { listed, printable, quote } from '../printable.ts';
import { describeValue, PickleDict, type PickleValue } from './pickle-values.ts';
import { TensorRef } from './torch-objects.ts';

/** Keys under which training scripts store the state dict, the most specific first. */
const RAW_KEYS: readonly string[] = ['state_dict', 'model_state_dict', 'model'];
/**
 * Keys that hold no weights of a model: optimizers, schedules, scalers of half precision, random generators, settings
 * (which may hold weights of classes), and Lightning's own.
 */
const OTHER_KEYS =
  /optimizer|^optim$|optim_state|scheduler|scaler|rng_state|random_state|hyper_parameters|hparams|^config$|^callbacks$|^loops$/i;
/** Averages of the weights over training: timm's `state_dict_ema`, torchvision's `model_ema`, torch's SWA. */
const AVERAGED = /(?:^|[._])(?:ema|swa|avg|averaged?|shadow)(?:[._]|$)/i;
/** Limit of nested dicts. No script has more. */
const DEEPEST = 4;
const KEYS_SHOWN = 8;

const FIX = 'save the state dict alone: torch.save(model.state_dict(), "weights.pth")';

/** Whether a name, of a dict or of a part of a model, says that its weights are averages. */
export function isAveraged(name: string): boolean {
  return AVERAGED.test(name);
}

/** A dict that holds tensors. */
interface Candidate {
  /** The keys that lead to it. */
  readonly path: readonly string[];
  readonly dict: PickleDict;
  /** The dicts on the way, from the outermost, without itself. */
  readonly around: readonly PickleDict[];
}

export interface ChosenDict extends Candidate {
  /** The choice in words, and what else there was; undefined if the file is the state dict. */
  readonly note: string | undefined;
  /** Whether the user's choice was a dict. Otherwise it may be the beginning of names. */
  readonly byChoice: boolean;
}

/**
 * @param choice key of a dict, or keys joined by dots; undefined to take the raw weights
 * @throws FileError if the file holds no dict of tensors, or several and nothing says which
 */
export function chooseDict(file: string, value: PickleValue, choice: string | undefined): ChosenDict {
  if (!(value instanceof PickleDict)) {
    throw new FileError(`${file}: expected a dict of tensors, found ${describeValue(value)}; ${FIX}`);
  }
  const all = findCandidates(value);
  if (all.length === 0) {
    throw new FileError(`${file}: holds no dict of tensors, only the keys ${listKeys(value)}; ${FIX}`);
  }
  const asked = choice === undefined ? undefined : matching(all, choice);
  const chosen = asked ?? defaultOf(file, all);
  // A user who names one knows of the others.
  return { ...chosen, note: noteOf(file, chosen, asked ? [asked] : all), byChoice: asked !== undefined };
}

/** Walks the dicts, each once, in the file's order. */
function findCandidates(top: PickleDict): Candidate[] {
  const found: Candidate[] = [];
  const seen = new Set<PickleDict>();
  let level: Candidate[] = [{ path: [], dict: top, around: [] }];
  for (let depth = 0; depth <= DEEPEST && level.length > 0; depth++) {
    const next: Candidate[] = [];
    for (const candidate of level) {
      const { dict, path, around } = candidate;
      if (seen.has(dict)) continue;
      seen.add(dict);
      let hasTensors = false;
      for (const [key, value] of dict.entries) {
        if (typeof key !== 'string') continue;
        if (value instanceof TensorRef) hasTensors = true;
        else if (value instanceof PickleDict && !OTHER_KEYS.test(key)) {
          next.push({ path: [...path, key], dict: value, around: [...around, dict] });
        }
      }
      if (hasTensors) found.push(candidate);
    }
    level = next;
  }
  return found;
}

/** The dict of that name, or the outermost below it. */
function matching(all: readonly Candidate[], choice: string): Candidate | undefined {
  return (
    all.find(({ path }) => path.join('.') === choice) ??
    all.find(({ path }) => path.at(-1) === choice) ??
    all.find(({ path }) => path.includes(choice) || path.join('.').startsWith(`${choice}.`))
  );
}

/** Raw weights before averaged ones, known keys before unknown ones. */
function defaultOf(file: string, all: readonly Candidate[]): Candidate {
  const rank = ({ path }: Candidate) => path.map((key) => RAW_KEYS.indexOf(key)).join();
  const known = all.filter(({ path }) => path.length > 0 && path.every((key) => RAW_KEYS.includes(key)));
  if (known.length > 0) return known.reduce((best, one) => (rank(one) < rank(best) ? one : best));
  const whole = all.find(({ path }) => path.length === 0);
  if (whole) return whole;
  const raw = all.filter((one) => !averagedOf(one));
  const rest = raw.length > 0 ? raw : all;
  if (rest.length === 1) return rest[0]!;
  throw new FileError(
    `${file}: holds several state dicts (${listed(rest.map(nameOf), KEYS_SHOWN, quote)}), and nothing says which is the ` +
      `network; name one: ${file}#${printable(nameOf(rest[0]!))}`,
  );
}

function noteOf(file: string, chosen: Candidate, all: readonly Candidate[]): string | undefined {
  const others = all.filter((one) => one !== chosen);
  if (chosen.path.length === 0 && others.length === 0) return undefined;
  const taken = chosen.path.length === 0 ? 'the outermost dict' : quote(nameOf(chosen));
  const note = `taken from ${taken}${averagedOf(chosen) ? ', averaged weights' : ''}`;
  const averaged = others.filter(averagedOf);
  const [first] = averaged.length > 0 ? averaged : others;
  if (first === undefined) return note;
  const kind = averaged.length > 0 ? 'averaged weights' : 'another state dict';
  return `${note}; the file also holds ${kind} under ${quote(nameOf(first))}: choose by ${file}#${printable(nameOf(first))}`;
}

function averagedOf({ path, dict }: Candidate): boolean {
  return path.some(isAveraged) || dict.entries.has('n_averaged');
}

function nameOf({ path }: Candidate): string {
  return path.join('.');
}

function listKeys(dict: PickleDict): string {
  return dict.entries.size === 0 ? '(none: it is empty)' : listed(keyTexts(dict), KEYS_SHOWN, (text) => text);
}

function* keyTexts(dict: PickleDict): Generator<string> {
  for (const key of dict.entries.keys()) yield nameKey(key);
}

/** A key of a Python dict, for messages. */
export function nameKey(key: PickleValue): string {
  if (typeof key === 'string') return quote(key);
  return typeof key === 'number' ? String(key) : `(${describeValue(key)})`;
}

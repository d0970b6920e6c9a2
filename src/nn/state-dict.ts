/**
 * State dicts: the saved part of a module, and strict loading. Loading reports all mismatches before it changes
 * anything.
 */
import { formatShape, OptionError } from '../autograd/errors.ts';
import { checkNames, flag } from '../autograd/options.ts';
import { type Shape, sizeOf, type Tensor } from '../autograd/tensor.ts';
import { DawngradError } from '../errors.ts';
import { printable } from '../printable.ts';

/** A whole number that is saved with a module but never used on the device (`num_batches_tracked`). */
export class Counter {
  /** A scalar. */
  readonly shape: Shape = [];
  value = 0;
}

/** One entry of a module's state: a tensor on the device, or a count on the host. */
export type StateEntry = Tensor | Counter;
/** Entries by name, in the order in which PyTorch saves them. */
export type StateDict = ReadonlyMap<string, StateEntry>;

/** One entry from a checkpoint: row-major values, as many as its shape says. A scalar has shape []. */
export interface HostEntry {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** One entry for a checkpoint; `dtype` is its type in PyTorch. */
export interface ExportedEntry extends HostEntry {
  readonly data: Float32Array<ArrayBuffer>;
  readonly dtype: 'F32' | 'I64';
}

/** Options of `loadStateDict`: which entries it loads, and how strictly. */
export interface LoadOptions {
  /** Whether missing and unexpected entries are errors. Wrong shapes always are. On by default. */
  readonly strict?: boolean;
  /** Loading skips names that start with one of these, in the module and in the checkpoint: `['fc.']`. */
  readonly ignore?: readonly string[];
}

const OPTIONS = { strict: true, ignore: true } as const satisfies Record<keyof LoadOptions, true>;

/** The names that loading left out. Both lists are empty after a strict load. */
export interface LoadReport {
  /** In the module, not in the checkpoint: these keep their values. */
  readonly missing: readonly string[];
  /** In the checkpoint, not in the module. */
  readonly unexpected: readonly string[];
}

export interface ShapeMismatch {
  readonly name: string;
  readonly expected: Shape;
  readonly found: Shape;
}

/** Lines of each kind in a message. The error's lists are complete. */
const LINES_SHOWN = 20;

/** A checkpoint does not fit the module; nothing was loaded. Its lists have every mismatch, its message the first. */
export class StateDictError extends DawngradError {
  override name = 'StateDictError';
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly mismatched: readonly ShapeMismatch[];

  constructor(
    state: StateDict,
    entries: ReadonlyMap<string, HostEntry>,
    report: LoadReport,
    mismatched: ShapeMismatch[],
  ) {
    const { missing, unexpected } = report;
    const lines = [
      ...firstOf(missing, (name) => `missing: ${printable(name)} ${formatShape(state.get(name)!.shape)}`),
      ...firstOf(unexpected, (name) => `unexpected: ${printable(name)} ${formatShape(entries.get(name)!.shape)}`),
      ...firstOf(
        mismatched,
        ({ name, expected, found }) =>
          `wrong shape: ${printable(name)}: expected ${formatShape(expected)}, found ${formatShape(found)}`,
      ),
    ];
    super(
      `These weights belong to another model; nothing was loaded. ${missing.length} entries are missing, ` +
        `${unexpected.length} unexpected, ${mismatched.length} of the wrong shape:\n  ${lines.join('\n  ')}\n` +
        'Build the model that the weights were saved from, or pass the beginnings of the names to skip as `ignore`.',
    );
    this.missing = missing;
    this.unexpected = unexpected;
    this.mismatched = mismatched;
  }
}

/** A line for each of the first, and how many more there are: a file may hold any number of names. */
function firstOf<T>(items: readonly T[], line: (item: T) => string): string[] {
  const more = items.length - LINES_SHOWN;
  const shown = items.slice(0, LINES_SHOWN).map(line);
  return more > 0 ? [...shown, `and ${more.toLocaleString('en-US')} more`] : shown;
}

/**
 * Copies `entries` into the entries of `state` with the same names. A missing counter is no error and starts at 0:
 * files from before PyTorch 0.4.1, including torchvision's, have none.
 * @throws StateDictError if something does not fit; then nothing was changed
 */
export function loadState(
  state: StateDict,
  entries: ReadonlyMap<string, HostEntry>,
  options: LoadOptions = {},
): LoadReport {
  const { targets, report } = checkState(state, entries, options);
  for (const [name, target] of targets) {
    const data = entries.get(name)?.data;
    if (!('storage' in target)) target.value = data?.[0] ?? 0;
    else if (data) target.set(ownMemory(data));
  }
  return report;
}

/** Checks that `loadState` will load the entries. @throws StateDictError if something does not fit */
export function checkState(
  state: StateDict,
  entries: ReadonlyMap<string, HostEntry>,
  options: LoadOptions = {},
): { targets: [name: string, target: StateEntry][]; report: LoadReport } {
  checkNames('loadStateDict()', options, OPTIONS);
  const { strict = true, ignore = [] } = options;
  flag('loadStateDict()', 'strict', strict);
  if (!Array.isArray(ignore)) {
    throw new OptionError(`loadStateDict(): ignore must be a list of name prefixes, such as ["fc."], got ${ignore}.`);
  }
  const concerned = (name: string) => !ignore.some((prefix) => name.startsWith(prefix));
  const targets = [...state].filter(([name]) => concerned(name));
  const report: LoadReport = {
    missing: targets.filter(([name, target]) => !entries.has(name) && 'storage' in target).map(([name]) => name),
    unexpected: [...entries.keys()].filter((name) => concerned(name) && !state.has(name)),
  };
  const mismatched: ShapeMismatch[] = [];
  for (const [name, target] of targets) {
    const found = entries.get(name);
    if (!found) continue;
    if (formatShape(found.shape) !== formatShape(target.shape)) {
      mismatched.push({ name, expected: target.shape, found: found.shape });
    } else if (found.data.length !== sizeOf(found.shape)) {
      throw new RangeError(
        `loadStateDict(): ${name} of shape ${formatShape(found.shape)} needs ${sizeOf(found.shape)} values, got ` +
          `${found.data.length}.`,
      );
    }
  }
  if (mismatched.length > 0 || (strict && report.missing.length + report.unexpected.length > 0)) {
    throw new StateDictError(state, entries, strict ? report : { missing: [], unexpected: [] }, mismatched);
  }
  return { targets, report };
}

/** Copies the values to the host. It starts all copies before it waits for the first. */
export async function readState(state: StateDict): Promise<Map<string, ExportedEntry>> {
  const started = Array.from(state, ([name, entry]) => ({
    name,
    shape: entry.shape,
    data: 'storage' in entry ? entry.readback() : Float32Array.of(entry.value),
  }));
  const finished = started.map(async ({ name, shape, data }): Promise<[string, ExportedEntry]> => {
    if (data instanceof Float32Array) return [name, { shape, data, dtype: 'I64' }];
    return [name, { shape, data: new Float32Array(await data.get()), dtype: 'F32' }];
  });
  return new Map(await Promise.all(finished));
}

/** WebGPU uploads from memory that no other thread can change, so shared memory is copied. */
function ownMemory(data: Float32Array): Float32Array<ArrayBuffer> {
  return data.buffer instanceof ArrayBuffer ? (data as Float32Array<ArrayBuffer>) : new Float32Array(data);
}

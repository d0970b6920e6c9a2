/** The description of a run: its config.json and the metadata of its weights. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Gpu } from '../gpu/gpu.ts';
import { type InputSpec, inputMetadata, writtenInput } from '../input-spec.ts';
import type { TunedChoices } from '../kernels/work.ts';
import { CLASSES_KEY, IGNORE_ORIENTATION_KEY, type StartFacts } from '../models/start.ts';
import { GRAPH_KEY, type TrainMode } from '../models/types.ts';
import { type NumberSettings, writtenNumbers } from '../plan/index.ts';
import { parseSource } from '../weights/index.ts';
import type { Best } from './best.ts';
import type { DataSettings } from './find-pictures.ts';
import { fingerprintOf, hashOf } from './fingerprint.ts';
import type { OnDivergence } from './options.ts';
import type { Pictures } from './pictures.ts';
import { type Recipe, writtenRecipe } from './recipe.ts';
import { described, type Regularization } from './regularization.ts';
import { BEFORE_TRAINING } from './run-folder.ts';
import type { RunSegment, RunSummary } from './types.ts';

/** Two different sets of choices share a hash once in 10^14 pairs. */
const HASH_DIGITS = 12;

/** A file of weights to start from. */
export interface WeightsFile {
  /** Absolute path. */
  readonly file: string;
  readonly sha256: string;
}

interface Described {
  readonly demo: boolean;
  /** Absolute path. */
  readonly data: string;
  readonly weights: WeightsFile | null;
  readonly checks: boolean | null;
  readonly mode: TrainMode;
  readonly settings: Pick<NumberSettings, 'seed'>;
  readonly input: InputSpec;
  /** That of a run that is no probe. */
  readonly recipe?: Recipe;
  readonly regularization: Regularization;
  readonly pictures: Pictures;
  readonly reading: DataSettings;
  /** Names of broken pictures that are left out. */
  readonly skipped: readonly string[];
  readonly onDivergence: OnDivergence;
  readonly start: StartFacts;
  readonly gpu: Gpu;
}

/**
 * Everything that decides the run's results. Two runs with equal configs on the same adapter, driver and Node give
 * equal metrics. `threads` is recorded only because it explains the timings.
 *
 * @param run.kernels the variant of each piece of work, as `Chooser.choices` gives them
 * @param run.tuned the choices that were tuned for the run
 * @param run.segments each start of the run
 */
export function runConfig(
  run: Described & {
    readonly kernels: Record<string, string>;
    readonly tuned: TunedChoices;
    readonly segments: readonly RunSegment[];
  },
): object {
  const { demo, data, weights, checks, mode, settings, pictures, start, gpu, kernels, tuned, segments } = run;
  const { skipped, onDivergence, recipe, reading, regularization, input } = run;
  const ownInput = writtenInput(input, start.architecture);
  const { kind: _, ...adapter } = gpu.traits;
  return {
    dawngrad: packageVersion(),
    node: process.version,
    ...(demo && { demo: true }),
    mode,
    ...writtenNumbers(settings),
    ...(ownInput && { input: ownInput }),
    ...(recipe && writtenRecipe(recipe)),
    ...described(regularization, pictures.classes),
    onDivergence,
    data,
    ...reading,
    classes: pictures.classes,
    pictures: {
      ...{ train: pictures.train.length, val: pictures.val.length },
      ...(pictures.test && { test: pictures.test.length }),
    },
    // Tells `eval` which pictures the run has held out.
    ...(reading.valSplit !== undefined && { fingerprint: hashOf(fingerprintOf(pictures)) }),
    ...(skipped.length > 0 && { skipped }),
    architecture: start.architecture,
    ...(start.net?.graph !== undefined && { graph: graphHash(start.net.graph) }),
    weights,
    lastLayer: start.loadsLastLayer ? 'loaded' : 'drawn',
    adapter: { kind: adapterKind(gpu.traits), ...adapter },
    // Unknown for a device that the caller opened.
    checks,
    kernels,
    kernelChoice: describeChoice(kernels, tuned),
    segments,
  };
}

/**
 * Summarises the kernel choices: equal hashes mean equal choices. Counts how many were tuned on this machine; the
 * others come from the shipped table.
 */
export function describeChoice(kernels: Record<string, string>, tuned: TunedChoices) {
  const entries = Object.entries(kernels).sort(([a], [b]) => (a < b ? -1 : 1));
  const fromTuner = entries.filter(([work, variant]) => tuned.get(work) === variant).length;
  return {
    hash: createHash('sha256').update(JSON.stringify(entries)).digest('hex').slice(0, HASH_DIGITS),
    fromTable: entries.length - fromTuner,
    fromTuner,
  };
}

/** Of the graph of an ONNX file's network, which lies in the metadata of the run's weights. */
const graphHash = (graph: string) => createHash('sha256').update(graph).digest('hex');

/** Metadata of best.safetensors. All values are strings, as the format requires. */
export function bestMetadata(
  run: Pick<Described, 'mode' | 'settings' | 'input' | 'pictures' | 'reading' | 'start'> & {
    readonly best: Pick<Best<unknown>, 'epoch' | 'acc'>;
  },
): Record<string, string> {
  const { mode, settings, input, pictures, reading, start, best } = run;
  return {
    // Readers such as transformers look here for the library whose names and layouts the file uses.
    format: 'pt',
    architecture: start.architecture,
    ...(start.net?.graph !== undefined && { [GRAPH_KEY]: start.net.graph }),
    [CLASSES_KEY]: JSON.stringify(pictures.classes),
    mode,
    seed: String(settings.seed),
    ...inputMetadata(input, start.architecture),
    ...(reading.ignoreOrientation && { [IGNORE_ORIENTATION_KEY]: 'true' }),
    epoch: best.epoch === null ? BEFORE_TRAINING : String(best.epoch),
    valAcc: String(best.acc),
  };
}

/** The adapter's kind as reports name it. */
export function adapterKind({ kind }: Gpu['traits']): RunSummary['adapterKind'] {
  return kind === 'cpu' ? 'software' : 'hardware';
}

/** The version of this package. */
export function packageVersion(): string {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}

/** The file's absolute path and hash; of a run's folder those of its best weights, of `file#part` the path with the part, and the hash of the whole file. */
export function weightsFile(source: string): WeightsFile {
  const { path, choice } = parseSource(source);
  const file = resolve(choice === undefined ? path : `${path}#${choice}`);
  return { file, sha256: createHash('sha256').update(readFileSync(path)).digest('hex') };
}

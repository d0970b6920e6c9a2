/** What the files of a run folder say, for a page about it. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { FileError } from '../errors.ts';
import { type InputSpec, isInputSpec, readInput } from '../input-spec.ts';
import { type Judgement, readJudgement } from '../judge/index.ts';
import { KERNEL_TIMES, type KernelTimes } from './kernel-times.ts';

/** The files that are read; the run writes them under these names. */
export const RECORD_FILES = {
  config: 'config.json',
  metrics: 'metrics.jsonl',
  summary: 'summary.json',
  judgement: 'judgement.json',
  kernels: 'kernels.json',
  best: 'best.safetensors',
} as const;

/** config.json is text of a few kilobytes. A file beyond this is none, and is not read. */
const MOST_BYTES = 256 * 2 ** 20;

const real = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** JSON has no NaN and no infinity: they are null there. */
const measured = v.pipe(
  v.nullable(real),
  v.transform((value) => value ?? Number.NaN),
);

const CONFIG = v.looseObject({
  dawngrad: v.string(),
  node: v.optional(v.string(), ''),
  demo: v.optional(v.boolean(), false),
  mode: v.string(),
  data: v.string(),
  classes: v.array(v.string()),
  architecture: v.string(),
  imageSize: count,
  // Of nets that take pictures as the tutorial's does, nothing.
  input: v.optional(v.custom<InputSpec>(isInputSpec, 'is no input of a network')),
  maxPixels: v.optional(count),
  seed: v.optional(count, 0),
  valSplit: v.optional(real),
  fingerprint: v.optional(v.string()),
  ignoreOrientation: v.optional(v.boolean(), false),
  epochs: count,
  skipped: v.optional(v.array(v.string()), []),
  pictures: v.record(v.string(), count),
  adapter: v.looseObject({ kind: v.string(), description: v.string() }),
  kernels: v.optional(v.record(v.string(), v.string()), {}),
});

const METRICS = v.object({
  epoch: count,
  phase: v.picklist(['train', 'val']),
  loss: measured,
  acc: real,
  lr: real,
  seconds: v.optional(measured),
  imagesPerSecond: v.optional(measured),
});

const SUMMARY = v.looseObject({
  bestValAcc: real,
  bestEpoch: v.nullable(count),
  epochs: count,
  interrupted: v.boolean(),
  stoppedEarly: v.optional(v.boolean(), false),
  seconds: real,
  segments: v.optional(
    v.array(v.looseObject({ epoch: count, dawngrad: v.string(), node: v.string(), adapter: v.string() })),
    [],
  ),
});

export type RunConfig = v.InferOutput<typeof CONFIG>;
export type MetricsRow = v.InferOutput<typeof METRICS>;
export type RunSummary = v.InferOutput<typeof SUMMARY>;

/** How the network of a run takes a picture. */
export function inputOf({ input, architecture, imageSize }: RunConfig): InputSpec {
  return readInput(input, architecture, imageSize);
}

/** A run as its folder has it. */
export interface RunRecord {
  readonly folder: string;
  readonly config: RunConfig;
  /** Empty if no phase has ended. */
  readonly metrics: readonly MetricsRow[];
  /** Undefined while the run goes on, and if it failed. */
  readonly summary: RunSummary | undefined;
  /** Undefined if the best weights have not been judged. */
  readonly judgement: Judgement | undefined;
  /** Undefined if no step was timed. */
  readonly kernelTimes: KernelTimes | undefined;
}

/** @throws FileError if the folder holds no run, or one of its files is damaged */
export function readRun(folder: string): RunRecord {
  const path = (name: keyof typeof RECORD_FILES) => join(folder, RECORD_FILES[name]);
  if (!existsSync(path('config'))) {
    throw new FileError(
      `${folder}: expected the folder of a run, found no ${RECORD_FILES.config} there. Check the path.`,
    );
  }
  const has = (name: keyof typeof RECORD_FILES) => existsSync(path(name));
  return {
    folder,
    config: parse(path('config'), CONFIG, readText(path('config'))),
    metrics: has('metrics') ? readRows(path('metrics')) : [],
    summary: has('summary') ? parse(path('summary'), SUMMARY, readText(path('summary'))) : undefined,
    judgement: has('judgement') ? readJudgement(path('judgement')) : undefined,
    kernelTimes: has('kernels') ? parse(path('kernels'), KERNEL_TIMES, readText(path('kernels'))) : undefined,
  };
}

function readRows(path: string): MetricsRow[] {
  const lines = readText(path).split('\n');
  return lines.flatMap((line, i) => (line.trim() === '' ? [] : [parse(`${path}:${i + 1}`, METRICS, line)]));
}

function readText(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > MOST_BYTES) throw new Error(`it has ${size} bytes`);
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new FileError(`${path}: cannot be read (${(cause as Error).message}). Check the folder.`, { cause });
  }
}

function parse<T extends v.GenericSchema>(path: string, schema: T, text: string): v.InferOutput<T> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FileError(`${path}: is no JSON (${(cause as Error).message}). ${remedyFor(path)}`, { cause });
  }
  const { success, output, issues } = v.safeParse(schema, json);
  if (success) return output;
  const where = v.getDotPath(issues[0]);
  throw new FileError(`${path}: is damaged (${where ? `${where}: ` : ''}${issues[0].message}). ${remedyFor(path)}`);
}

/** Only the config must be there. */
function remedyFor(path: string): string {
  const isNeeded = basename(path) === RECORD_FILES.config;
  return `Restore it from a copy${isNeeded ? '' : ', or move it away: then what it tells is missing'}.`;
}

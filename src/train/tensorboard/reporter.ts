/** Writes a run's figures for TensorBoard, step by step, into its folder. */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { EVENT_FILE_PREFIX, RUN_FILES } from '../run-folder.ts';
import type { PhaseMetrics, Reporter, RunStart, StepProgress } from '../types.ts';
import { type Event, encodeEvent, FILE_VERSION, frame, readEvents, type SummaryValue } from './events.ts';

/** The loss of a single train step, by the number of the step in the run, from 0. */
const STEP_TAG = 'loss/train-step';

export interface TensorBoardOptions {
  /** Told once, in a sentence, if the file cannot be written. The run goes on without. */
  readonly onFailure?: ((reason: string) => void) | undefined;
}

/**
 * A reporter that writes `events.out.tfevents.*` into the run folder: `loss/train`, `loss/val`, `acc/train`, `acc/val`
 * and `lr` by epoch, `loss/train-step` by step, and the settings as a text. Events are written at once. A run that
 * goes on begins a file of its own; what the old ones hold beyond the point where it goes on is cut off first, so that
 * no step appears twice.
 */
export class TensorBoardReporter implements Reporter {
  readonly #options: TensorBoardOptions;
  /** Begins the file, at the first figure: a probe that is stopped before leaves nothing behind. */
  #open: (() => void) | undefined;
  #file: number | undefined;
  #stepsPerEpoch = 0;

  constructor(options: TensorBoardOptions = {}) {
    this.#options = options;
  }

  /** See `Reporter`. */
  started(run: RunStart): void {
    const { folder, steps, resumed } = run;
    this.#stepsPerEpoch = steps.train;
    this.#try(() => {
      if (resumed) {
        const { epoch, phase, step } = resumed;
        cutOff(folder, { epoch, step: epoch * steps.train + (phase === 'val' ? steps.train : step), phase });
      }
      this.#open = () => this.#begin(folder, resumed === undefined);
    });
  }

  /** See `Reporter`. */
  stepDone({ epoch, phase, step, loss }: StepProgress): void {
    if (phase === 'train') this.#add(epoch * this.#stepsPerEpoch + step, [{ tag: STEP_TAG, scalar: loss }]);
  }

  /** See `Reporter`. */
  phaseEnded({ epoch, phase, loss, acc, lr }: PhaseMetrics): void {
    const rate = phase === 'train' ? [{ tag: 'lr', scalar: lr }] : [];
    this.#add(epoch, [{ tag: `loss/${phase}`, scalar: loss }, { tag: `acc/${phase}`, scalar: acc }, ...rate]);
  }

  /** Closes the file. Call it after the run, also if that failed. */
  close(): void {
    this.#open = undefined;
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) closeSync(file);
  }

  /** @param isNew whether it is the run's first file, which tells its settings; they are written by now */
  #begin(folder: string, isNew: boolean): void {
    this.#open = undefined;
    this.#file = openSync(newPath(folder), 'ax');
    this.#write({ fileVersion: FILE_VERSION });
    if (isNew) this.#write({ step: 0, values: [{ tag: 'settings', text: settingsText(folder) }] });
  }

  #add(step: number, values: readonly SummaryValue[]): void {
    this.#try(() => {
      this.#open?.();
      this.#write({ step, values });
    });
  }

  #write(event: Omit<Event, 'wallTime'>): void {
    if (this.#file !== undefined) writeSync(this.#file, frame(encodeEvent({ wallTime: Date.now() / 1000, ...event })));
  }

  /** The run's own files matter more: a full disk fails there, with advice. */
  #try(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.close();
      this.#options.onFailure?.(`TensorBoard's events are no longer written (${(error as Error).message}).`);
    }
  }
}

/** Reporters as one: each is told all. */
export function joinReporters(...reporters: readonly Reporter[]): Reporter {
  const tell = <Name extends keyof Reporter>(name: Name) =>
    ((...args: unknown[]) => {
      for (const reporter of reporters) (reporter[name] as ((...args: unknown[]) => void) | undefined)?.(...args);
    }) as NonNullable<Reporter[Name]>;
  return new Proxy({}, { get: (_, name) => tell(name as keyof Reporter) });
}

/** `events.out.tfevents.1735689600.dawngrad`. TensorBoard reads the files of a folder in the order of their names. */
function newPath(folder: string): string {
  const name = `${EVENT_FILE_PREFIX}${Math.floor(Date.now() / 1000)}.dawngrad`;
  for (let number = 1; ; number++) {
    const path = join(folder, number === 1 ? name : `${name}-${number}`);
    if (!existsSync(path)) return path;
  }
}

/** Where a run goes on; `step` counts train steps of the whole run. */
interface Position {
  readonly epoch: number;
  readonly phase: 'train' | 'val';
  readonly step: number;
}

/** Shortens each file of events to what came before the position. Its events lie in the order of time. */
function cutOff(folder: string, position: Position): void {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(EVENT_FILE_PREFIX)) continue;
    const path = join(folder, name);
    const file = readFileSync(path);
    let end = 0;
    for (const event of readEvents(file)) {
      if (!isBefore(event, position)) break;
      end = event.end;
    }
    if (end < file.length) truncateSync(path, end);
  }
}

function isBefore({ step, tags }: { step: number; tags: readonly string[] }, position: Position): boolean {
  if (tags.length === 0 || tags.includes('settings')) return true;
  if (tags.includes(STEP_TAG)) return step < position.step;
  const done = position.phase === 'val' && tags.includes('loss/train') ? position.epoch + 1 : position.epoch;
  return step < done;
}

/** The run's config.json as a table in Markdown. */
function settingsText(folder: string): string {
  const config = JSON.parse(readFileSync(join(folder, RUN_FILES.config), 'utf8')) as Record<string, unknown>;
  const cell = (value: unknown) => JSON.stringify(value).replaceAll('|', '\\|');
  const rows = Object.entries(config).map(([name, value]) => `| ${name} | ${cell(value)} |`);
  return ['| setting | value |', '|---|---|', ...rows].join('\n');
}

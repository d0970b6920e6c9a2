/**
 * The output of a run. stdout gets the tutorial's lines or, with `json`, a line of JSON per epoch and phase. stderr
 * gets the device and the progress: a bar on a terminal, otherwise a line from time to time.
 */
import { join } from 'node:path';
import { SingleBar } from 'cli-progress';
import { type Judgement, judgementWords } from '../judge/index.ts';
import type { Phase } from '../models/types.ts';
import { formatBytes, type MemoryPlan } from '../plan/index.ts';
import { listed, printableJson, printableLines } from '../printable.ts';
import {
  type CheckProgressReport,
  type DivergedError,
  endLines,
  epochLines,
  type FeatureProgress,
  type JudgingProgress,
  type PhaseMetrics,
  phaseLine,
  type Reporter,
  type RunStart,
  type RunSummary,
  type SearchResult,
  type StepProgress,
  someOf,
} from '../train/index.ts';
import { called } from './called.ts';
import { leftOutLines, notReadLines } from './left-out.ts';
import { LongWork, SECONDS_BETWEEN_LINES } from './long-work.ts';
import type { Output } from './output.ts';
import { PROBE_LABEL, ProbeLines } from './probe-lines.ts';
import { learningLines } from './train-flags/learning.ts';
import { regularizationLines } from './train-flags/regularization.ts';
import { PreparingLine, type Stage } from './train-report/preparing-line.ts';
import { searchAnswer, searchNotes } from './train-report/search-lines.ts';

export type { Output } from './output.ts';

/** Used until the first val phase gives the real ratio: backward takes about twice as long as forward. */
const VAL_STEPS_PER_TRAIN_STEP = 3;

export interface TrainReportOptions {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly json: boolean;
  /** Whether every line of JSON marks the built-in demo. */
  readonly demo?: boolean;
  /** Added to every line of JSON if several runs share stdout. */
  readonly jsonMode?: string | undefined;
}

export class TrainReport implements Reporter {
  readonly #options: TrainReportOptions;
  /** Stream for the tutorial's lines. */
  readonly #lines: Output;
  readonly #left = new TimeLeft();
  readonly #check = new LongWork();
  readonly #judging = new LongWork();
  #epochs = 0;
  #demo: boolean | undefined;
  #folder = '';
  #bar: SingleBar | undefined;
  #lastLine = Number.NEGATIVE_INFINITY;
  readonly #probe: ProbeLines;
  readonly #preparing: PreparingLine;

  constructor(options: TrainReportOptions) {
    this.#options = options;
    this.#demo = options.demo;
    this.#lines = options.json ? options.stderr : options.stdout;
    this.#probe = new ProbeLines(options.stderr, (text) => this.note(text));
    this.#preparing = new PreparingLine(options.stderr);
  }

  preparing(stage: Stage): void {
    this.#preparing.stage(stage);
  }

  picturesChecked(progress: CheckProgressReport): void {
    this.#preparing.check(progress);
    if (this.#preparing.isOn) return;
    const { done, total, decoded } = progress;
    const counts = this.#check.counts(done, total);
    if (counts) this.note(`Pictures checked: ${counts}${decoded ? '' : ' (their headers)'}`);
  }

  diverged(error: DivergedError): void {
    const { epoch, phase, step, loss, pictures } = error;
    this.note(
      `Diverged, but goes on: loss ${loss} in epoch ${epoch}, ${phase} step ${step}. Pictures of this step: ${someOf(pictures)}`,
    );
  }

  started(run: RunStart): void {
    const { adapter, adapterKind, weights, classes, pictures, folder } = run;
    this.#epochs = run.epochs;
    this.#demo ??= run.demo;
    this.#folder = folder;
    this.#left.begin(run.epochs, run.steps);
    this.note(`Device: ${adapter} (${adapterKind})`);
    this.note(`Memory: ${memoryText(run.memory)}`);
    this.note(`Weights: ${weights}`);
    this.note(`Pictures: ${pictures.train} train, ${pictures.val} val; classes: ${listed(classes)}`);
    for (const line of [...run.notes, ...leftOutLines(run.leftOut), ...notReadLines(run.notRead)]) this.note(line);
    const { skipped, batchSize } = run;
    if (skipped.length > 0) this.note(`Broken, so left out: ${skipped.length} pictures: ${someOf(skipped)}`);
    if (batchSize > pictures.train) this.note(`Batch size ${batchSize}: all ${pictures.train} pictures are one batch.`);
    this.#probe.begin(run);
    for (const line of learningLines(run.learning ?? {})) this.note(line);
    for (const line of regularizationLines(run.regularization ?? {})) this.note(line);
    this.note(`Run: ${run.mode}${run.mode === 'probe' ? PROBE_LABEL : ''}, into ${folder}`);
    const { resumed } = run;
    if (!resumed) return;
    this.#left.skip(resumed, run.steps);
    const place =
      resumed.step > 0 ? `${resumed.phase} step ${resumed.step} of epoch ${resumed.epoch}` : `epoch ${resumed.epoch}`;
    this.note(`Goes on with ${place}.`);
    if (resumed.changes.length > 0)
      this.note(`Not as before, so results may differ in their last digits: ${resumed.changes.join('; ')}.`);
  }

  featuresComputed(progress: FeatureProgress): void {
    this.#probe.featuresComputed(progress);
  }

  cacheNote(text: string): void {
    this.note(text);
  }

  epochStarted(epoch: number, epochs: number): void {
    this.#probe.epochStarted(epoch, epochs);
    if (this.#probe.hides) return;
    this.#lines.write(epochLines(epoch, epochs));
  }

  phaseStarted(_epoch: number, phase: Phase, steps: number): void {
    this.#lastLine = Number.NEGATIVE_INFINITY;
    if (!this.#options.stderr.isTTY) return;
    this.#bar = new SingleBar({
      format: `${phase.padEnd(5)} {bar} {value}/{total} | loss {loss} | {rate} images/s | {left}`,
      stream: process.stderr,
      barsize: 24,
      clearOnComplete: true,
      hideCursor: true,
      // The command handles signals.
      gracefulExit: false,
    });
    this.#bar.start(steps, 0, { loss: '-', rate: '-', left: '' });
  }

  stepDone(progress: StepProgress): void {
    this.#left.update(progress);
    const { epoch, phase, step, steps, meanLoss, imagesPerSecond, seconds } = progress;
    const loss = meanLoss.toFixed(4);
    const rate = imagesPerSecond.toFixed(1);
    const left = this.#left.text();
    this.#bar?.update(step + 1, { loss, rate, left });
    if (this.#bar || seconds - this.#lastLine < SECONDS_BETWEEN_LINES) return;
    this.#lastLine = seconds;
    const parts = [`loss ${loss}`, `${rate} images/s`, ...(left ? [left] : [])];
    this.note(`epoch ${epoch}/${this.#epochs - 1} ${phase} ${step + 1}/${steps} | ${parts.join(' | ')}`);
  }

  phaseEnded(metrics: PhaseMetrics): void {
    this.stopBar();
    if (!this.#probe.hides) this.#lines.write(phaseLine(metrics));
    const { json, jsonMode, stdout } = this.#options;
    const demo = this.#demo;
    if (!json) return;
    const row = { ...(demo && { demo }), ...(jsonMode !== undefined && { mode: jsonMode }), ...metrics };
    stdout.write(`${printableJson(row)}\n`);
  }

  epochEnded(): void {
    if (!this.#probe.hides) this.#lines.write('\n');
  }

  ended({ seconds, bestValAcc, bestEpoch, interrupted, epochs }: RunSummary): void {
    this.stopBar();
    if (!interrupted) this.#lines.write(endLines(seconds, bestValAcc));
    else {
      const kept = bestEpoch === null ? 'no finished epoch beat the start' : `best is epoch ${bestEpoch}`;
      const goOn = this.#probe.isOn ? this.#probe.goOn : `Go on with ${called('train')} --resume ${this.#folder}`;
      this.note(`Stopped after ${epochs} of ${this.#epochs} epochs; ${kept}, val acc ${bestValAcc.toFixed(4)}.`);
      this.note(`${goOn}.`);
    }
  }

  judging({ split, done, count }: JudgingProgress): void {
    const counts = this.#judging.counts(done, count);
    if (counts) this.note(`Judged: ${counts} pictures of ${split}`);
  }

  judged(judgement: Judgement): void {
    this.#lines.write(`\n${judgementWords(judgement)}`);
  }

  notJudged(pictures: readonly string[]): void {
    this.note(`Broken, so not judged: ${pictures.length} pictures: ${someOf(pictures)}`);
  }

  judgementFailed(error: Error): void {
    this.note(`The best weights were not judged (${error.message}). The run's other results are complete.`);
  }

  kernelsNotTimed(error: Error): void {
    this.note(`The kernels were not timed (${error.message}). The run's other results are complete.`);
  }

  reportWritten(path: string, bytes: number): void {
    this.note(`Report: ${path} (${formatBytes(bytes)}); open it in a browser.`);
  }

  reportFailed(error: Error): void {
    this.note(`The report was not written (${error.message}). The run's other results are complete.`);
  }

  picturesDrawn(files: readonly string[]): void {
    this.note(`Pictures drawn in ${this.#folder}: ${files.join(', ')}`);
  }

  pictureFailed(file: string, error: Error): void {
    this.note(`${join(this.#folder, file)} was not drawn (${error.message}). The run's results are not affected.`);
  }

  /** A search of the learning rate ended. @param flags of the command, without those of the search */
  searched(result: SearchResult, flags: readonly string[]): void {
    this.stopBar();
    const { json, stdout } = this.#options;
    if (json) stdout.write(`${printableJson(result)}\n`);
    this.#lines.write(`${searchAnswer(result)}\n`);
    for (const line of searchNotes(result, flags)) this.note(line);
  }

  /** A signal came before the first step. */
  stopped(): void {
    this.note('Stopped before the first step; nothing was written.');
    if (this.#probe.isOn) this.note(`${this.#probe.goOn}.`);
  }

  /** A line in addition to the tutorial's. */
  note(text: string): void {
    this.#preparing.clear();
    this.#options.stderr.write(`${printableLines(text)}\n`);
  }

  /** Removes the bar from the terminal and restores the cursor. */
  stopBar(): void {
    this.#preparing.clear();
    this.#probe.stopBar();
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

/**
 * Estimates the remaining time of the run from the duration of steps. It ignores each phase's first step, which waits
 * for pictures and, in the first epoch, compiles shaders.
 */
class TimeLeft {
  readonly #perStep: Partial<Record<Phase, number>> = {};
  #remaining: Record<Phase, number> = { train: 0, val: 0 };
  #firstStep = 0;

  begin(epochs: number, steps: Readonly<Record<Phase, number>>): void {
    this.#remaining = { train: epochs * steps.train, val: epochs * steps.val };
  }

  /** Leaves out what an earlier start has done. */
  skip({ epoch, phase, step }: NonNullable<RunStart['resumed']>, steps: Readonly<Record<Phase, number>>): void {
    this.#remaining.train -= epoch * steps.train + (phase === 'train' ? step : steps.train);
    this.#remaining.val -= epoch * steps.val;
  }

  update({ phase, step, seconds }: StepProgress): void {
    this.#remaining[phase]--;
    if (step === 0) this.#firstStep = seconds;
    else this.#perStep[phase] = (seconds - this.#firstStep) / step;
  }

  /** "12:05 left", or nothing while unknown. */
  text(): string {
    const { train, val = train === undefined ? undefined : train / VAL_STEPS_PER_TRAIN_STEP } = this.#perStep;
    if (train === undefined || val === undefined) return '';
    const seconds = Math.round(this.#remaining.train * train + this.#remaining.val * val);
    const two = (value: number) => String(value).padStart(2, '0');
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor(seconds / 60) % 60;
    return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)} left`;
  }
}

/** "472.5 MiB on the device (at most, not all at once: parameters 42.6 MiB, …)" */
function memoryText({ parameters, gradients, momentum, activations, workspace, total }: MemoryPlan): string {
  const list = Object.entries({ parameters, gradients, momentum, activations, workspace })
    .filter(([, bytes]) => bytes > 0)
    .map(([name, bytes]) => `${name} ${formatBytes(bytes)}`);
  return `${formatBytes(total)} on the device (at most, not all at once: ${list.join(', ')})`;
}

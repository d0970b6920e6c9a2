/** `npm run train -- [--data <folder>] [--weights <file>]`: runs the transfer-learning tutorial. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DawngradError, FileError, UsageError } from '../errors.ts';
import { OutOfMemoryError } from '../gpu/errors.ts';
import { type FindTuned, NUMBER_OPTIONS, type NumberOption } from '../plan/index.ts';
import {
  checkUnused,
  DivergedError,
  findLearningRate,
  joinReporters,
  makeRunFolder,
  RUN_FILES,
  type RunSummary,
  resumeTraining,
  TensorBoardReporter,
  type TrainOptions,
  train,
} from '../train/index.ts';
import { type TuneProgress, tunedChoices } from '../tune/index.ts';
import { EXIT, exitStatusOf } from './exit-status.ts';
import { FetchReport } from './fetch-report.ts';
import { interruptedStatus, interruptible } from './interrupt.ts';
import { type Io, perform, runProgram } from './program.ts';
import { fittingSettings } from './train-flags/learning.ts';
import { HELP, parseTrainFlags, type TrainCommand } from './train-flags.ts';
import { TrainReport } from './train-report.ts';
import { demoLine, findSources, type Sources, sourcesAdvice } from './train-sources.ts';
import { TuneNotes } from './tune-report.ts';

/**
 * @param argv arguments after the script's name
 * @returns exit status: see `exit-status.ts`; 130, 143 or 129 if a signal stopped it
 */
export function main(argv: readonly string[], io: Io = process): Promise<number> {
  return perform({ name: 'train', help: HELP, parse: parseTrainFlags, run: runAll }, argv, io);
}

async function runAll(command: TrainCommand, io: Io): Promise<number> {
  const { modes, out, resume, lrFind } = command;
  const several = modes.length > 1;
  const made = resume ?? out ?? makeRunFolder(lrFind ? 'lr-find' : several ? 'both' : modes[0]!);
  try {
    return await runIn(typeof made === 'string' ? made : made.path, command, io);
  } finally {
    if (typeof made !== 'string') made.removeEmpty();
  }
}

async function runIn(parent: string, command: TrainCommand, io: Io): Promise<number> {
  const { modes, resume } = command;
  const several = modes.length > 1;
  const runs = modes.map((mode) => ({ mode, folder: several ? join(parent, mode) : parent }));
  // Check all of them before the first starts.
  if (resume === undefined) for (const folder of [parent, ...runs.map((run) => run.folder)]) checkUnused(folder);

  const tuneNotes = new TuneNotes(io.stderr);
  let report: TrainReport | FetchReport | undefined;
  const training = () => report instanceof TrainReport;
  const stopping = {
    stderr: io.stderr,
    stopBar: (again: boolean) => {
      tuneNotes.stopBar();
      // Training and its bar continue to the end of the step.
      if (again || !training()) report?.stopBar();
    },
    when: () => (training() ? ' after the current step' : ''),
  };
  // On a terminal one line tells all that comes before the first step.
  const tellTuning = (progress: TuneProgress) => {
    const { done, steps: total } = progress;
    if (report instanceof TrainReport && io.stderr.isTTY) report.preparing({ stage: 'tuning', done, total });
    else tuneNotes.progress(progress);
  };
  const tunedBy =
    (signal: AbortSignal): FindTuned =>
    (traits, question) =>
      tunedChoices(traits, question, {
        env: io.env,
        onNote: (text) => {
          report?.stopBar();
          tuneNotes.note(text);
        },
        tuneFor: { adapter: command.adapter, signal, onProgress: tellTuning },
      });
  return interruptible(stopping, async (signal) => {
    if (resume !== undefined) {
      const trainReport = new TrainReport({ ...io, json: command.json });
      report = trainReport;
      return runOne(command, resume, trainReport, signal, async (options) => {
        const tuned = command.tunes ? tunedBy(signal) : undefined;
        const { summary } = await resumeTraining(resume, { ...options, data: command.data, signal, tuned });
        return summary;
      });
    }
    const fetchReport = new FetchReport(io.stderr);
    report = fetchReport;
    const sources = await prepare(command, io, fetchReport, signal);
    if (typeof sources === 'number') return sources;
    const { json } = command;
    const { demo } = sources;
    if (demo) (json ? io.stderr : io.stdout).write(`${demoLine(command.arch)}\n`);
    for (const { mode, folder } of runs) {
      const trainReport = new TrainReport({
        ...io,
        json,
        demo,
        jsonMode: several || mode === 'probe' ? mode : undefined,
      });
      report = trainReport;
      const { data, weights, settings } = sources;
      const status = await runOne(command, folder, trainReport, signal, async (options) => {
        const all: TrainOptions = {
          ...{ ...fittingSettings(settings, command.words), ...options, ...command.words },
          ...{ ...command.regularization, ...command.probe, ...command.dataSettings },
          ...{ data, weights, arch: command.arch, head: command.head, demo, mode, signal, out: folder },
          skipBroken: command.skipBroken,
          tuned: command.tunes ? tunedBy(signal) : undefined,
        };
        if (!command.lrFind) return (await train(all)).summary;
        trainReport.searched(await findLearningRate(all), command.lrFind);
        return { interrupted: false };
      });
      if (status !== 0) return status;
    }
    return 0;
  });
}

/** The sources to train on, or the exit status if there are none. */
async function prepare(
  command: TrainCommand,
  { env }: Io,
  report: FetchReport,
  signal: AbortSignal,
): Promise<Sources | number> {
  try {
    const sources = await findSources(command, { env, signal, report });
    return signal.aborted ? interruptedStatus(signal) : sources;
  } catch (error) {
    report.stopBar();
    if (signal.aborted) return interruptedStatus(signal);
    if (!(error instanceof DawngradError) || error instanceof UsageError) throw error;
    report.note(`train: ${error.message}`);
    const advice = sourcesAdvice(error);
    if (advice) report.note(advice);
    return exitStatusOf(error);
  }
}

/** Runs one training and returns the exit status. */
async function runOne(
  { numbers, adapter, onDivergence, resume, tensorboard, lrFind }: TrainCommand,
  folder: string,
  report: TrainReport,
  signal: AbortSignal,
  run: (
    options: Pick<TrainOptions, 'adapter' | 'reporter' | 'onDivergence' | NumberOption>,
  ) => Promise<Pick<RunSummary, 'interrupted'>>,
): Promise<number> {
  const resumes = resume !== undefined;
  // A search is no training: there is nothing to follow.
  const events =
    tensorboard && !lrFind ? new TensorBoardReporter({ onFailure: (reason) => report.note(reason) }) : undefined;
  const reporter = events ? joinReporters(report, events) : report;
  try {
    const { interrupted } = await run({ ...numbers, adapter, onDivergence, reporter });
    return interrupted ? interruptedStatus(signal) : 0;
  } catch (error) {
    report.stopBar();
    if (signal.aborted && error === signal.reason) {
      report.stopped();
      return interruptedStatus(signal);
    }
    if (!(error instanceof DawngradError) || error instanceof UsageError) throw error;
    for (const line of failureLines(error, folder, numbers.batchSize, resumes)) report.note(line);
    return exitStatusOf(error);
  } finally {
    events?.close();
  }
}

/** The message for a failed run: the cause, the remedy, and the files that remain. */
export function failureLines(error: DawngradError, out: string, batchSize?: number, resumes = false): string[] {
  const lines = [`train: ${error.message}`];
  if (error instanceof OutOfMemoryError) lines.push(outOfMemoryAdvice(batchSize));
  const best = join(out, RUN_FILES.best);
  const hasLast = existsSync(join(out, RUN_FILES.last));
  // Alone, the best weights are those before training.
  const hasBest = hasLast && existsSync(best);
  if (hasBest) lines.push(`The best weights so far are in ${best}.`);
  if (error instanceof DivergedError) {
    // The same steps would have the same losses again.
    lines.push(hasBest ? `Train on from them with a smaller --lr: --weights ${best}.` : NOTHING_KEPT);
  } else if (hasLast && (!resumes || canSucceed(error))) {
    lines.push(`Go on from the last saved state with --resume ${out}.`);
  }
  return lines;
}

/** Whether the same command may work the next time: not if a file is wrong. */
function canSucceed(error: DawngradError): boolean {
  return !(error instanceof FileError) || exitStatusOf(error) === EXIT.diskFull;
}

const NOTHING_KEPT = 'No epoch was finished, so there are no weights to keep; the folder can be used again.';

function outOfMemoryAdvice(batchSize = NUMBER_OPTIONS.batchSize.default): string {
  if (batchSize > 1) return `Try --batch-size ${Math.floor(batchSize / 2)}.`;
  return 'The batch size is already 1; try --mode extract, which takes less memory, or another --adapter.';
}

await runProgram(import.meta.url, 'train', main);

/** `npm run predict -- --weights <file> photo.jpg folder/ …`: classifies pictures. */
import type { DawngradError } from '../errors.ts';
import { DownloadError, tutorialWeights, UnreachableError } from '../fetch/index.ts';
import { MissingFeatureError } from '../gpu/errors.ts';
import type { FindTuned } from '../plan/index.ts';
import { DEFAULT_BATCH_SIZE, openPredictor, type Predictor } from '../predict/index.ts';
import { tunedChoices } from '../tune/index.ts';
import { EXIT } from './exit-status.ts';
import { FetchReport } from './fetch-report.ts';
import { interruptedStatus, interruptible } from './interrupt.ts';
import { leftOutLines } from './left-out.ts';
import { PredictAnswers } from './predict-answers.ts';
import { HELP, type PredictCommand, parsePredictFlags } from './predict-flags.ts';
import { findInputs, type Inputs } from './predict-inputs.ts';
import { PredictReport } from './predict-report.ts';
import { makeSaveFolder } from './predict-save.ts';
import { watchFolder } from './predict-watch.ts';
import { type Io, memoryAdvice, perform, runProgram } from './program.ts';

/** The exit status of a program that a closed pipe ends. */
const CLOSED_PIPE = 141;

/**
 * @param argv arguments after the script's name
 * @returns exit status: 1 if something was skipped, else see `exit-status.ts`; 130, 143 or 129 if a signal stopped it
 */
export function main(argv: readonly string[], io: Io = process): Promise<number> {
  if (io === process) process.stdout.on('error', endOnClosedPipe);
  return perform({ name: 'predict', help: HELP, parse: parsePredictFlags, run, advice: adviceFor }, argv, io);
}

function adviceFor(error: DawngradError): string | undefined {
  if (error instanceof MissingFeatureError) return 'Run it without --half, or with another --adapter.';
  const isDownload = error instanceof UnreachableError || error instanceof DownloadError;
  if (isDownload) return "Or name a checkpoint with --weights <file>, such as a run's best.safetensors.";
  return memoryAdvice(error);
}

async function run(command: PredictCommand, io: Io): Promise<number> {
  const inputs = findInputs(command.inputs, command.save);
  const { pictures, problems } = inputs;
  const report = new PredictReport({ ...io, json: command.json, paths: pictures.map(({ path }) => path) });
  for (const problem of problems) report.skipped(problem);
  if (pictures.length === 0 && command.watch === undefined) {
    report.note('predict: found no picture. Give picture files, or folders that contain some.');
    return 1;
  }
  if (command.save !== undefined) makeSaveFolder(command.save);

  const download = new FetchReport(io.stderr);
  const stopBar = () => download.stopBar();
  return interruptible({ stderr: io.stderr, stopBar }, async (signal) => {
    try {
      const weights = command.weights ?? (await fetchWeights(io.env, signal, download));
      return await predictAll({ ...command, weights }, inputs, report, signal, io.env);
    } catch (error) {
      if (signal.aborted && error === signal.reason) return interruptedStatus(signal);
      throw error;
    } finally {
      stopBar();
    }
  });
}

/** ImageNet's weights, for users who name none. */
function fetchWeights(env: NodeJS.ProcessEnv, signal: AbortSignal, report: FetchReport): Promise<string> {
  return tutorialWeights({
    env,
    signal,
    onProgress: (progress) => report.progress(progress),
    onNote: (text) => report.note(text),
  });
}

async function predictAll(
  command: PredictCommand & { readonly weights: string },
  inputs: Inputs,
  report: PredictReport,
  signal: AbortSignal,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const { save, watch } = command;
  const onNote = (text: string) => report.note(text);
  // Before the list is worked off, so that no picture is missed that comes meanwhile.
  const watched = watch === undefined ? undefined : await watchFolder(watch, { except: save, onNote });
  try {
    const predictor = await openFor(command, inputs.pictures.length, onNote, env);
    try {
      report.opened(predictor);
      for (const line of leftOutLines(inputs.leftOut)) report.note(line);
      const answers = new PredictAnswers({ ...command, predictor, pictures: inputs.pictures, report, signal });
      const done = await answers.show(inputs.pictures);
      if (!watched || signal.aborted) return endOf(answers, done, inputs, report, signal);
      report.note(`Watching ${watch} for new pictures; Ctrl-C ends it.`);
      for await (const arrived of watched.arrivals(signal)) await answers.show(arrived);
      return EXIT.done;
    } finally {
      await predictor.close();
    }
  } finally {
    await watched?.close();
  }
}

/** @param pictures how many are known; more may come if a folder is watched */
function openFor(
  command: PredictCommand & { readonly weights: string },
  pictures: number,
  onNote: (text: string) => void,
  env: NodeJS.ProcessEnv,
): Promise<Predictor> {
  const { weights, head, numbers, half, ignoreOrientation, adapter, tunes, watch } = command;
  const most = numbers.batchSize ?? DEFAULT_BATCH_SIZE;
  // A batch larger than the number of pictures would only waste memory.
  const batchSize = watch === undefined ? Math.min(most, pictures) : most;
  const tuned: FindTuned = (traits, question) => tunedChoices(traits, question, { env, onNote });
  return openPredictor(weights, {
    ...{ ...numbers, head, batchSize, half, ignoreOrientation, adapter },
    ...(tunes && { tuned }),
  });
}

/** Says how the list ended. @param done pictures before the signal @returns the exit status */
function endOf(
  { skipped, score }: PredictAnswers,
  done: number,
  { pictures, problems }: Inputs,
  report: PredictReport,
  signal: AbortSignal,
): number {
  if (done < pictures.length) {
    report.note(`Stopped after ${done} of ${pictures.length} pictures.`);
    return interruptedStatus(signal);
  }
  if (score) report.scored(score);
  const left = skipped + problems.length;
  if (left === 0) return EXIT.done;
  report.note(`${left} of ${pictures.length + problems.length} were skipped, for the reasons above.`);
  return 1;
}

/** The reader has closed the pipe (`| head`). Nothing is half written: saved files are written in one go. */
function endOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(CLOSED_PIPE);
}

await runProgram(import.meta.url, 'predict', main);

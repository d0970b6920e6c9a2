/** `npm run predict -- --weights <file> photo.jpg folder/ …`: classifies pictures. */
import { decode } from '../data/index.ts';
import { type DawngradError, FileError } from '../errors.ts';
import { DownloadError, tutorialWeights, UnreachableError } from '../fetch/index.ts';
import { MissingFeatureError } from '../gpu/errors.ts';
import type { FindTuned } from '../plan/index.ts';
import { DEFAULT_BATCH_SIZE, DEFAULT_TOP, openPredictor, type Prediction } from '../predict/index.ts';
import { tunedChoices } from '../tune/index.ts';
import { EXIT } from './exit-status.ts';
import { FetchReport } from './fetch-report.ts';
import { interruptedStatus, interruptible } from './interrupt.ts';
import { leftOutLines } from './left-out.ts';
import { HELP, type PredictCommand, parsePredictFlags } from './predict-flags.ts';
import { findInputs, type Input, type Inputs } from './predict-inputs.ts';
import { PredictReport } from './predict-report.ts';
import { makeSaveFolder, savePicture } from './predict-save.ts';
import { PredictScore } from './predict-score.ts';
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
  { pictures, problems, leftOut }: Inputs,
  report: PredictReport,
  signal: AbortSignal,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const { weights, head, numbers, half, ignoreOrientation, adapter, tunes, top, save, watch } = command;
  const most = numbers.batchSize ?? DEFAULT_BATCH_SIZE;
  // A batch larger than the number of pictures would only waste memory.
  const batchSize = watch === undefined ? Math.min(most, pictures.length) : most;
  const tuned: FindTuned = (traits, question) =>
    tunedChoices(traits, question, { env, onNote: (text) => report.note(text) });
  // Before the list is worked off, so that no picture is missed that comes meanwhile.
  const watched =
    watch === undefined ? undefined : await watchFolder(watch, { except: save, onNote: (text) => report.note(text) });
  const settings = { ...numbers, head, batchSize, half, ignoreOrientation, adapter, ...(tunes && { tuned }) };
  const predictor = await openPredictor(weights, settings).catch(async (error: unknown) => {
    await watched?.close();
    throw error;
  });
  try {
    report.opened(predictor);
    for (const line of leftOutLines(leftOut)) report.note(line);
    const options = { top: top ?? (predictor.classes.length > 2 ? DEFAULT_TOP : 1) };
    const scored = new PredictScore(pictures, predictor.classes);
    /** Returns why the picture could not be read again. */
    const show = async (outcome: Prediction, input: Input): Promise<FileError | undefined> => {
      if (save === undefined) {
        report.predicted(input.path, outcome, undefined);
        return undefined;
      }
      const picture = await decode(input.path, {
        maxPixels: numbers.maxPixels,
        ignoreOrientation: predictor.ignoreOrientation,
      }).catch((error: unknown) => {
        if (error instanceof FileError) return error;
        throw error;
      });
      if (picture instanceof FileError) return picture;
      report.predicted(input.path, outcome, await savePicture(save, input, picture, outcome.top));
      return undefined;
    };
    let skipped = problems.length;
    /** Returns how many were shown before the signal. */
    const showAll = async (inputs: readonly Input[]): Promise<number> => {
      let shown = 0;
      if (signal.aborted) return shown;
      for await (const outcome of predictor.each(
        inputs.map(({ path }) => path),
        options,
      )) {
        const input = inputs[shown++]!;
        const error = 'error' in outcome ? outcome.error : await show(outcome, input);
        if (!('error' in outcome)) scored.see(input, outcome);
        if (error) {
          report.skipped(error.message);
          skipped++;
        }
        if (signal.aborted) break;
      }
      return shown;
    };
    const done = await showAll(pictures);
    if (watched && !signal.aborted) {
      report.note(`Watching ${watch} for new pictures; Ctrl-C ends it.`);
      for await (const arrived of watched.arrivals(signal)) await showAll(arrived);
      return EXIT.done;
    }
    if (done < pictures.length) {
      report.note(`Stopped after ${done} of ${pictures.length} pictures.`);
      return interruptedStatus(signal);
    }
    if (scored.score) report.scored(scored.score);
    if (skipped === 0) return 0;
    report.note(`${skipped} of ${pictures.length + problems.length} were skipped, for the reasons above.`);
    return 1;
  } finally {
    await watched?.close();
    await predictor.close();
  }
}

/** The reader has closed the pipe (`| head`). Nothing is half written: saved files are written in one go. */
function endOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(CLOSED_PIPE);
}

await runProgram(import.meta.url, 'predict', main);

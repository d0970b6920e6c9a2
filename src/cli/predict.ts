/** `npm run predict -- --weights <file> photo.jpg folder/ …`: classifies pictures. */
import { decode } from '../data/index.ts';
import { DawngradError, FileError, UsageError } from '../errors.ts';
import { DownloadError, tutorialWeights, UnreachableError } from '../fetch/index.ts';
import { MissingFeatureError, OutOfMemoryError } from '../gpu/errors.ts';
import type { FindTuned } from '../plan/index.ts';
import { DEFAULT_BATCH_SIZE, DEFAULT_TOP, openPredictor, type Prediction } from '../predict/index.ts';
import { printableLines } from '../printable.ts';
import { tunedChoices } from '../tune/index.ts';
import { called } from './called.ts';
import { exitStatusOf } from './exit-status.ts';
import { FetchReport } from './fetch-report.ts';
import { interruptedStatus, interruptible } from './interrupt.ts';
import { leftOutLines } from './left-out.ts';
import { HELP, type PredictCommand, parsePredictFlags } from './predict-flags.ts';
import { findInputs, type Input, type Inputs } from './predict-inputs.ts';
import { PredictReport } from './predict-report.ts';
import { makeSaveFolder, savePicture } from './predict-save.ts';
import { runProgram } from './program.ts';
import type { Io } from './train.ts';

/** The exit status of a program that a closed pipe ends. */
const CLOSED_PIPE = 141;

/**
 * @param argv arguments after the script's name
 * @returns exit status: 1 if something was skipped, else see `exit-status.ts`; 130, 143 or 129 if a signal stopped it
 */
export async function main(argv: readonly string[], io: Io = process): Promise<number> {
  if (io === process) process.stdout.on('error', endOnClosedPipe);
  try {
    const command = parsePredictFlags(argv, io.env);
    if (command === 'help') {
      io.stdout.write(HELP);
      return 0;
    }
    return await run(command, io);
  } catch (error) {
    if (!(error instanceof DawngradError)) throw error;
    io.stderr.write(`predict: ${printableLines(error.message)}\n`);
    const advice = adviceFor(error);
    if (advice) io.stderr.write(`${advice}\n`);
    if (error instanceof UsageError) io.stderr.write(`Try "${called('predict')} --help".\n`);
    return exitStatusOf(error);
  }
}

function adviceFor(error: DawngradError): string | undefined {
  if (error instanceof OutOfMemoryError) return 'Try a smaller --batch-size or --image-size.';
  if (error instanceof MissingFeatureError) return 'Run it without --half, or with another --adapter.';
  const isDownload = error instanceof UnreachableError || error instanceof DownloadError;
  return isDownload ? "Or name a checkpoint with --weights <file>, such as a run's best.safetensors." : undefined;
}

async function run(command: PredictCommand, io: Io): Promise<number> {
  const inputs = findInputs(command.inputs, command.save);
  const { pictures, problems } = inputs;
  const report = new PredictReport({ ...io, json: command.json, paths: pictures.map(({ path }) => path) });
  for (const problem of problems) report.skipped(problem);
  if (pictures.length === 0) {
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
  {
    weights,
    numbers,
    half,
    ignoreOrientation,
    adapter,
    tunes,
    top,
    save,
  }: PredictCommand & { readonly weights: string },
  { pictures, problems, leftOut }: Inputs,
  report: PredictReport,
  signal: AbortSignal,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  // A batch larger than the number of pictures would only waste memory.
  const batchSize = Math.min(numbers.batchSize ?? DEFAULT_BATCH_SIZE, pictures.length);
  const tuned: FindTuned = (traits, question) =>
    tunedChoices(traits, question, { env, onNote: (text) => report.note(text) });
  const predictor = await openPredictor(weights, {
    ...numbers,
    batchSize,
    half,
    ignoreOrientation,
    adapter,
    ...(tunes && { tuned }),
  });
  try {
    report.opened(predictor);
    for (const line of leftOutLines(leftOut)) report.note(line);
    const paths = pictures.map(({ path }) => path);
    const outcomes = predictor.each(paths, { top: top ?? (predictor.classes.length > 2 ? DEFAULT_TOP : 1) });
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
    let done = 0;
    let skipped = problems.length;
    if (!signal.aborted) {
      for await (const outcome of outcomes) {
        const input = pictures[done++]!;
        const error = 'error' in outcome ? outcome.error : await show(outcome, input);
        if (error) {
          report.skipped(error.message);
          skipped++;
        }
        if (signal.aborted) break;
      }
    }
    if (done < pictures.length) {
      report.note(`Stopped after ${done} of ${pictures.length} pictures.`);
      return interruptedStatus(signal);
    }
    if (skipped === 0) return 0;
    report.note(`${skipped} of ${pictures.length + problems.length} were skipped, for the reasons above.`);
    return 1;
  } finally {
    await predictor.close();
  }
}

/** The reader has closed the pipe (`| head`). Nothing is half written: saved files are written in one go. */
function endOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(CLOSED_PIPE);
}

await runProgram(import.meta.url, 'predict', main);

/** `npm run eval -- --weights <run or file> --data <folder or list>`: judges a network on labelled pictures. */
import { join, resolve } from 'node:path';
import { decode, valCrop, valTransform } from '../data/index.ts';
import { FileError } from '../errors.ts';
import { type Judgement, judgementJson, judgementWords } from '../judge/index.ts';
import { makeFolder } from '../make-folder.ts';
import type { FindTuned } from '../plan/index.ts';
import { DEFAULT_BATCH_SIZE, judgeFolder, openPredictor, type Predictor } from '../predict/index.ts';
import { listed, printableJson, printableLines } from '../printable.ts';
import { judgedPictures, PICTURE_FILES, RUN_FILES } from '../train/index.ts';
import { tunedChoices } from '../tune/index.ts';
import { writeFileAtomic } from '../weights/index.ts';
import { type EvalCommand, HELP, parseEvalFlags } from './eval-flags.ts';
import { type EvalPictures, findEvalPictures } from './eval-pictures.ts';
import { interruptedStatus, interruptible } from './interrupt.ts';
import { leftOutLines, notReadLines } from './left-out.ts';
import { LongWork } from './long-work.ts';
import { PredictReport } from './predict-report.ts';
import { type Io, memoryAdvice, perform, runProgram } from './program.ts';

/**
 * @param argv arguments after the script's name
 * @returns exit status: 1 if a picture could not be read, else see `exit-status.ts`; 130, 143 or 129 if a signal
 *   stopped it
 */
export function main(argv: readonly string[], io: Io = process): Promise<number> {
  return perform({ name: 'eval', help: HELP, parse: parseEvalFlags, run, advice: memoryAdvice }, argv, io);
}

async function run(command: EvalCommand, io: Io): Promise<number> {
  return interruptible({ stderr: io.stderr, stopBar: () => {} }, async (signal) => {
    try {
      const onNote = (text: string) => io.stderr.write(`${printableLines(text)}\n`);
      const pictures = await findEvalPictures(command, { signal, onNote });
      if (command.out !== undefined) makeOut(command.out);
      return await judgeAll(command, pictures, io, signal);
    } catch (error) {
      if (signal.aborted && error === signal.reason) return interruptedStatus(signal);
      throw error;
    }
  });
}

async function judgeAll(
  command: EvalCommand,
  { folder, what, notes }: EvalPictures,
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  const { weights, head, numbers, half, adapter, tunes, json, out } = command;
  const { split, samples } = folder;
  const report = new PredictReport({ ...io, json, paths: samples.map(({ path }) => path) });
  const batchSize = Math.min(numbers.batchSize ?? DEFAULT_BATCH_SIZE, samples.length);
  const onNote = (text: string) => report.note(text);
  const tuned: FindTuned = (traits, question) => tunedChoices(traits, question, { env: io.env, onNote });
  const predictor = await openPredictor(weights, {
    ...numbers,
    head,
    batchSize,
    half,
    adapter,
    ...(tunes && { tuned }),
  });
  try {
    report.opened(predictor);
    for (const line of [...leftOutLines(folder.leftOut), ...notReadLines(folder.notRead)]) report.note(line);
    for (const note of notes) report.note(note);
    report.note(
      `Judging: ${samples.length} pictures of ${folder.classes.length === 1 ? 'one class' : `${folder.classes.length} classes`}: ` +
        listed(folder.classes),
    );
    const work = new LongWork();
    const onJudged = (done: number, count: number) => {
      const counts = work.counts(done, count);
      if (counts) report.note(`Judged: ${counts} pictures of ${split}`);
    };
    const { judgement, unreadable } = await judgeFolder(predictor, folder, { onNote, onJudged, signal });
    for (const { error } of unreadable) report.skipped(error.message);
    io.stdout.write(json ? `${printableJson(judgement)}\n` : judgementWords(judgement, what));
    if (out !== undefined) await writeAll(out, judgement, predictor, numbers.maxPixels, report);
    if (unreadable.length === 0) return 0;
    report.note(`${unreadable.length} of ${samples.length} pictures were not judged, for the reasons above.`);
    return 1;
  } finally {
    await predictor.close();
  }
}

/** @throws FileError if that fails */
function makeOut(folder: string): void {
  try {
    makeFolder(folder);
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new FileError(`--out: ${folder}: the folder cannot be made (${reason}). Give another one.`, { cause });
  }
}

/** Writes judgement.json, and its pictures where the packages that draw them are installed. */
async function writeAll(
  out: string,
  judgement: Judgement,
  { input, weights, ignoreOrientation }: Predictor,
  maxPixels: number | undefined,
  report: PredictReport,
): Promise<void> {
  writeFileAtomic(join(out, RUN_FILES.judgement), [new TextEncoder().encode(judgementJson(judgement))]);
  const inputs = async (indices: readonly number[]) =>
    Promise.all(
      indices.map(async (index) => {
        const picture = await decode(resolve(judgement.data, judgement.answers[index]!.path), {
          maxPixels,
          ignoreOrientation,
        });
        return { width: input.crop, height: input.crop, pixels: valCrop(picture, valTransform(input)) };
      }),
    );
  const written: string[] = [RUN_FILES.judgement];
  for (const { file, draw } of judgedPictures(judgement, inputs, weights)) {
    if (file === PICTURE_FILES.predictions) continue;
    try {
      writeFileAtomic(join(out, file), [await draw()]);
      written.push(file);
    } catch (error) {
      report.note(`${join(out, file)} was not drawn (${(error as Error).message}).`);
    }
  }
  report.note(`Written in ${out}: ${written.join(', ')}`);
}

await runProgram(import.meta.url, 'eval', main);

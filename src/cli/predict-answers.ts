/** Shows what a predictor makes of pictures, saves them if asked to, and counts. */
import { decode, type Picture } from '../data/index.ts';
import { FileError } from '../errors.ts';
import { DEFAULT_TOP, type Prediction, type Predictor } from '../predict/index.ts';
import type { PredictCommand } from './predict-flags.ts';
import type { Input } from './predict-inputs.ts';
import type { PredictReport } from './predict-report.ts';
import { savePicture } from './predict-save.ts';
import { PredictScore, type Score } from './predict-score.ts';

export interface AnswersOptions extends Pick<PredictCommand, 'numbers' | 'save' | 'top'> {
  readonly predictor: Predictor;
  /** Those that count for the score. */
  readonly pictures: readonly Input[];
  readonly report: PredictReport;
  readonly signal: AbortSignal;
}

export class PredictAnswers {
  readonly #options: AnswersOptions;
  readonly #top: number;
  readonly #scored: PredictScore;
  #skipped = 0;

  constructor(options: AnswersOptions) {
    const { predictor, pictures, top } = options;
    this.#options = options;
    this.#top = top ?? (predictor.classes.length > 2 ? DEFAULT_TOP : 1);
    this.#scored = new PredictScore(pictures, predictor.classes);
  }

  /** Pictures that could not be read. */
  get skipped(): number {
    return this.#skipped;
  }

  get score(): Score | undefined {
    return this.#scored.score;
  }

  /** @returns how many were shown before the signal */
  async show(inputs: readonly Input[]): Promise<number> {
    const { predictor, signal, report } = this.#options;
    let shown = 0;
    if (signal.aborted) return shown;
    const paths = inputs.map(({ path }) => path);
    for await (const outcome of predictor.each(paths, { top: this.#top })) {
      const input = inputs[shown++]!;
      const error = 'error' in outcome ? outcome.error : await this.#showOne(outcome, input);
      if (!('error' in outcome)) this.#scored.see(input, outcome);
      if (error) {
        report.skipped(error.message);
        this.#skipped++;
      }
      if (signal.aborted) break;
    }
    return shown;
  }

  /** @returns why the picture could not be read again to be saved */
  async #showOne(outcome: Prediction, input: Input): Promise<FileError | undefined> {
    const { save, report } = this.#options;
    if (save === undefined) {
      report.predicted(input.path, outcome, undefined);
      return undefined;
    }
    const picture = await this.#readAgain(input);
    if (picture instanceof FileError) return picture;
    report.predicted(input.path, outcome, await savePicture(save, input, picture, outcome.top));
    return undefined;
  }

  async #readAgain({ path }: Input): Promise<Picture | FileError> {
    const { predictor, numbers } = this.#options;
    try {
      return await decode(path, {
        maxPixels: numbers.maxPixels,
        ignoreOrientation: predictor.ignoreOrientation,
      });
    } catch (error) {
      if (error instanceof FileError) return error;
      throw error;
    }
  }
}

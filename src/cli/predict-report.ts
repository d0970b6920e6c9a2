/**
 * The output of predictions. stdout gets each picture's classes, as text or a line of JSON. stderr gets their source
 * and the skipped files.
 */
import { accuracyText } from '../judge/index.ts';
import { notesText } from '../models/start.ts';
import type { Prediction, Predictor } from '../predict/index.ts';
import { listed, printable, printableJson, printableLines } from '../printable.ts';
import type { Score } from './predict-score.ts';
import type { Output } from './train-report.ts';

/** A longer path shifts only its own line to the right. */
const WIDEST_PATH = 100;
/** The same for a class name. */
const WIDEST_NAME = 30;
/** Beyond what systems allow: a path that was printed can be used. */
const LONGEST_PATH = 10_000;
/** Names listed before the pictures. */
const NAMES_SHOWN = 10;

export interface PredictReportOptions {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly json: boolean;
  /** All paths that may be reported. */
  readonly paths: readonly string[];
}

export class PredictReport {
  readonly #options: PredictReportOptions;
  readonly #pathWidth: number;
  #nameWidth = 0;
  #half = false;

  constructor(options: PredictReportOptions) {
    this.#options = options;
    this.#pathWidth = widest(options.paths, WIDEST_PATH);
  }

  opened({ adapter, weights, notes, architecture, classes, namesFrom, imageSize, half }: Predictor): void {
    this.#nameWidth = widest(classes, WIDEST_NAME);
    this.#half = half;
    const { description, kind } = adapter;
    const { length } = classes;
    const names = {
      checkpoint: `${length} classes: ${listed(classes, NAMES_SHOWN)}`,
      imagenet: `${length} classes, which the file does not name: as many as ImageNet has, so its names are used`,
      numbers: `${length} classes, which the file does not name: they are numbered, from 0`,
    }[namesFrom];
    this.note(`Device: ${description} (${kind === 'cpu' ? 'software' : 'hardware'})`);
    this.note(`Weights: ${weights} (${architecture}), ${names}${notesText({ notes })}`);
    if (half) {
      const slow = kind === 'cpu' ? '. It is for GPUs: on this adapter it takes longer than f32' : '';
      this.note(`Half-precision storage: weights and activations are kept in f16, computed with in f32${slow}`);
    }
    this.note(
      `Pictures: ${this.#options.paths.length || 'none yet'}, each cropped to its centre of ${imageSize}×${imageSize}`,
    );
  }

  /**
   * @param path path of the picture
   * @param saved path of the annotated picture
   */
  predicted(path: string, { top }: Prediction, saved: string | undefined): void {
    const { stdout, json } = this.#options;
    if (json) {
      const half = this.#half && { half: true };
      stdout.write(`${printableJson({ path, top, ...half, ...(saved !== undefined && { saved }) })}\n`);
      return;
    }
    const arrow = saved === undefined ? '' : `  -> ${printable(saved, LONGEST_PATH)}`;
    if (top.length === 1) {
      const [{ name, probability }] = top;
      const columns = [printable(path, LONGEST_PATH).padEnd(this.#pathWidth), printable(name).padEnd(this.#nameWidth)];
      stdout.write(`${columns.join('  ')} ${probability.toFixed(3)}${arrow}\n`);
      return;
    }
    const lines = top.map(({ name, probability }) => `  ${probability.toFixed(3)}  ${printable(name)}\n`);
    stdout.write(`${printable(path, LONGEST_PATH)}${arrow}\n${lines.join('')}`);
  }

  /** The last line: how many predictions of a labelled folder are right. */
  scored(score: Score): void {
    const { stdout, json } = this.#options;
    stdout.write(json ? `${printableJson(score)}\n` : `Labelled by their folders: ${accuracyText(score)}\n`);
  }

  /** @param reason starts with the path */
  skipped(reason: string): void {
    this.note(`Skipped: ${reason}`);
  }

  note(text: string): void {
    this.#options.stderr.write(`${printableLines(text)}\n`);
  }
}

function widest(texts: readonly string[], most: number): number {
  return Math.min(
    most,
    texts.reduce((width, text) => Math.max(width, printable(text, LONGEST_PATH).length), 0),
  );
}

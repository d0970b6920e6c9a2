/** The output of tuning: progress on stderr (a bar on a terminal, otherwise a line from time to time) and a table. */
import { SingleBar } from 'cli-progress';
import { printableLines } from '../printable.ts';
import type { TuneProgress, TuneResult } from '../tune/index.ts';
import type { Output } from './train-report.ts';

/** Time between two progress lines without a terminal. */
const SECONDS_BETWEEN_LINES = 10;

export class TuneNotes {
  readonly #stderr: Output;
  #bar: SingleBar | undefined;
  #lastLine = 0;

  constructor(stderr: Output) {
    this.#stderr = stderr;
  }

  progress({ done, steps, seconds }: TuneProgress): void {
    if (this.#stderr.isTTY) this.#showBar(done, steps);
    else if (seconds - this.#lastLine >= SECONDS_BETWEEN_LINES) {
      this.#lastLine = seconds;
      this.note(`Tuning: ${Math.floor((100 * done) / steps)} % after ${seconds.toFixed(0)} s`);
    }
    if (done === steps) this.stopBar();
  }

  note(text: string): void {
    this.stopBar();
    this.#stderr.write(`${printableLines(text)}\n`);
  }

  /** Removes the bar from the terminal and restores the cursor. */
  stopBar(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #showBar(done: number, steps: number): void {
    if (!this.#bar) {
      this.#bar = new SingleBar({
        format: 'tuning {bar} {percentage} % | {duration_formatted}',
        stream: process.stderr,
        barsize: 24,
        clearOnComplete: true,
        hideCursor: true,
        // The command handles signals.
        gracefulExit: false,
      });
      this.#bar.start(steps, 0);
    }
    this.#bar.update(done);
  }
}

/** A row per work: the milliseconds of every candidate, the choice and its gain. */
export function tuneTable(results: readonly TuneResult[]): string {
  const variants = [...new Set(results.flatMap(({ candidates }) => candidates))];
  const rows = results.map((result) => [
    result.name,
    ...variants.map((variant) => cell(result, variant)),
    result.choice,
    verdict(result),
  ]);
  const head = ['milliseconds', ...variants, 'kept', 'beside the table'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const isNumber = (column: number) => column > 0 && column <= variants.length;
  return [head, ...rows]
    .map((row) => row.map((text, i) => (isNumber(i) ? text.padStart(widths[i]!) : text.padEnd(widths[i]!))).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** Times of a training step plus a validation step, by the table and tuned, and the number of works they cover. */
export function tuneTotals(results: readonly TuneResult[]): { tableMs: number; tunedMs: number; compared: number } {
  const comparable = results.filter(({ ms, table, choice }) => table in ms && choice in ms);
  // The counts come from a rehearsal of two epochs of one step each.
  const total = (which: 'table' | 'choice') =>
    comparable.reduce((sum, result) => sum + (result.uses / 2) * result.ms[result[which]]!, 0);
  return { tableMs: total('table'), tunedMs: total('choice'), compared: comparable.length };
}

function cell({ ms, failed, candidates }: TuneResult, variant: string): string {
  if (!candidates.includes(variant)) return '-';
  if (variant in failed) return 'failed';
  return variant in ms ? ms[variant]!.toFixed(2) : 'skipped';
}

function verdict({ state, choice, table, ms }: TuneResult): string {
  if (state !== 'measured' && choice === table) return 'not finished in time: its choice';
  if (choice === table) return 'its choice';
  return table in ms ? `${(ms[table]! / ms[choice]!).toFixed(2)} times as fast` : `in place of ${table}`;
}

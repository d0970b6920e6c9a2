/** Progress of a download on stderr: a bar on a terminal, otherwise a line from time to time. */
import { SingleBar } from 'cli-progress';
import type { FetchProgress } from '../fetch/index.ts';
import { formatBytes } from '../plan/index.ts';
import { printableLines } from '../printable.ts';
import type { Output } from './train-report.ts';

/** Time between two progress lines without a terminal. */
const SECONDS_BETWEEN_LINES = 10;

export class FetchReport {
  readonly #stderr: Output;
  #bar: SingleBar | undefined;
  #startedAt = 0;
  #lastLine = 0;

  constructor(stderr: Output) {
    this.#stderr = stderr;
  }

  progress({ address, name, received, total }: FetchProgress): void {
    const now = performance.now() / 1000;
    if (received === 0) {
      this.#startedAt = this.#lastLine = now;
      this.note(`Downloading ${address}${total === undefined ? '' : ` (${formatBytes(total)})`}`);
    }
    const so = total === undefined ? formatBytes(received) : `${formatBytes(received)} of ${formatBytes(total)}`;
    const rate = `${formatBytes(received / Math.max(now - this.#startedAt, 0.001))}/s`;
    if (received === 0 && this.#stderr.isTTY && total !== undefined) this.#startBar(name, total, { so, rate });
    this.#bar?.update(received, { so, rate });
    if (received === total) this.stopBar();
    if (this.#bar || (now - this.#lastLine < SECONDS_BETWEEN_LINES && received !== total)) return;
    this.#lastLine = now;
    if (received > 0) this.note(`${name}: ${so}, ${rate}`);
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

  #startBar(name: string, total: number, payload: object): void {
    this.#bar = new SingleBar({
      format: `${name} {bar} {so} | {rate} | {eta_formatted} left`,
      stream: process.stderr,
      barsize: 24,
      clearOnComplete: true,
      hideCursor: true,
      etaBuffer: 100,
      // The command handles signals.
      gracefulExit: false,
    });
    this.#bar.start(total, 0, payload);
  }
}

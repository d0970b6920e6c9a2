/** One line on a terminal that tells what a run does before its first step. It is removed when the run begins. */
import type { CheckProgressReport, Preparation } from '../../train/index.ts';
import type { Output } from '../output.ts';

/** The stages, and one that only commands know: kernels are measured. */
export type Stage = Preparation | (Omit<Preparation, 'stage'> & { readonly stage: 'tuning' });

const WORDS: Readonly<Record<Stage['stage'], string>> = {
  files: 'reading files',
  device: 'opening the device',
  tuning: 'tuning kernels',
  kernels: 'compiling kernels',
};

/** Milliseconds between two drawings of the same stage. */
const REDRAW = 100;
const CLEAR_LINE = '\r\u001b[2K';

export class PreparingLine {
  readonly #terminal: Output;
  #stage: Stage | undefined;
  #check: CheckProgressReport | undefined;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #shown = '';

  /** @param terminal without `isTTY` nothing is written */
  constructor(terminal: Output) {
    this.#terminal = terminal;
  }

  /** Whether there is a terminal to write to. */
  get isOn(): boolean {
    return this.#terminal.isTTY === true;
  }

  stage(stage: Stage): void {
    const isNew = stage.stage !== this.#stage?.stage;
    this.#stage = stage;
    this.#draw(isNew);
  }

  /** Pictures are checked at the same time. */
  check(check: CheckProgressReport): void {
    const isNew = !this.#check;
    this.#check = check;
    this.#draw(isNew);
  }

  /** Takes the line from the terminal. The next stage draws it again. */
  clear(): void {
    if (this.#shown === '') return;
    this.#shown = '';
    this.#drawnAt = Number.NEGATIVE_INFINITY;
    this.#terminal.write(CLEAR_LINE);
  }

  #draw(isNew: boolean): void {
    const now = performance.now();
    if (!this.isOn || (!isNew && now - this.#drawnAt < REDRAW)) return;
    const text = this.#text();
    if (text === this.#shown) return;
    this.#drawnAt = now;
    this.#shown = text;
    this.#terminal.write(`${CLEAR_LINE}${text}`);
  }

  #text(): string {
    const parts = [
      ...(this.#stage ? [withCount(WORDS[this.#stage.stage], this.#stage)] : []),
      ...(this.#check && this.#check.done < this.#check.total
        ? [withCount(this.#check.decoded ? 'decoding pictures' : "reading pictures' headers", this.#check)]
        : []),
    ];
    const text = `Preparing: ${parts.join(', ')}`;
    // A longer line would wrap, and only its last row could be removed.
    const { columns = 80 } = this.#terminal;
    return text.length < columns ? text : `${text.slice(0, Math.max(0, columns - 2))}…`;
  }
}

function withCount(what: string, { done, total }: { readonly done?: number; readonly total?: number }): string {
  return done === undefined || total === undefined ? what : `${what} ${done}/${total}`;
}

/** The output of a linear probe where it differs from that of the tutorial's modes. */
import { SingleBar } from 'cli-progress';
import type { FeatureProgress, RunStart } from '../train/index.ts';

export const PROBE_LABEL = " (a linear probe, not the tutorial's training)";
const STOPPED = 'Run it again: it starts from the features that it has computed, which are in the cache';
const STOPPED_WITHOUT_CACHE = 'Run it again from its beginning: a probe saves no state';

/** Time between two progress lines without a terminal. */
const SECONDS_BETWEEN_LINES = 10;
/** Epochs that are shown: each takes milliseconds, and the files have all of them. */
const SHOWN_EPOCHS = 10;

export class ProbeLines {
  readonly #stderr: { readonly isTTY?: boolean };
  readonly #note: (text: string) => void;
  #isOn = false;
  #keeps = false;
  #hides = false;
  #bar: SingleBar | undefined;
  #lastLine = 0;

  constructor(stderr: { readonly isTTY?: boolean }, note: (text: string) => void) {
    this.#stderr = stderr;
    this.#note = note;
  }

  /** Whether the run is a probe. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** Whether the current epoch is not shown. */
  get hides(): boolean {
    return this.#hides;
  }

  begin({ mode, featureCache }: RunStart): void {
    this.#isOn = mode === 'probe';
    this.#keeps = featureCache !== undefined;
  }

  /** How to go on after a signal, as a clause. */
  get goOn(): string {
    return this.#keeps ? STOPPED : STOPPED_WITHOUT_CACHE;
  }

  epochStarted(epoch: number, epochs: number): void {
    const every = Math.max(1, Math.floor(epochs / SHOWN_EPOCHS));
    this.#hides = this.#isOn && epoch % every !== 0 && epoch !== epochs - 1;
  }

  featuresComputed({ done, total, cached, seconds }: FeatureProgress): void {
    const computed = done - cached;
    if (done === total) {
      this.stopBar();
      const found = cached > 0 ? `, ${cached} found in the cache` : '';
      const time = computed > 0 ? ` in ${seconds.toFixed(1)} s` : '';
      this.#note(`Features: ${computed} computed${time}${found}`);
      return;
    }
    const rate = computed > 0 ? `${(computed / seconds).toFixed(1)} images/s` : '-';
    const left = computed > 0 ? `${Math.round(((total - done) * seconds) / computed)} s left` : '';
    if (this.#stderr.isTTY) {
      this.#bar ??= this.#startBar(total, cached);
      this.#bar.update(done, { rate, left });
    } else if (seconds - this.#lastLine >= SECONDS_BETWEEN_LINES) {
      this.#lastLine = seconds;
      this.#note(`Features: ${done} of ${total} | ${rate} | ${left}`);
    }
  }

  stopBar(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #startBar(total: number, done: number): SingleBar {
    const bar = new SingleBar({
      format: 'features {bar} {value}/{total} | {rate} | {left}',
      stream: process.stderr,
      barsize: 24,
      clearOnComplete: true,
      hideCursor: true,
      // The command handles signals.
      gracefulExit: false,
    });
    bar.start(total, done, { rate: '-', left: '' });
    return bar;
  }
}

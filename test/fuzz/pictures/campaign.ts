/**
 * Mutates pictures, decodes each in a child process under a watchdog, and compares with Pillow. A child that hangs or
 * dies is a failure, and another takes its place.
 */
import { type ChildProcess, type ChildProcessByStdio, fork, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { HANG_MS, judge, MAX_PIXELS, type Ours, type Pillow, VERDICTS, type Verdict } from './judge.ts';
import { mutatedPicture } from './mutate.ts';
import { pictureSeeds } from './seeds.ts';

export interface PictureFailure {
  /** Number of the picture in its campaign. */
  readonly index: number;
  /** The seed that it was mutated from. */
  readonly from: string;
  readonly message: string;
  /** The file, kept. */
  readonly path: string;
}

export interface PictureSummary {
  readonly seconds: number;
  readonly pictures: number;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  readonly failures: readonly PictureFailure[];
  /** Largest memory of a decoding process, bytes. */
  readonly rss: number;
}

export interface PictureCampaign {
  readonly seed: number;
  /** Without one, pixels are not compared. */
  readonly python: string | undefined;
  readonly count?: number | undefined;
  readonly seconds?: number | undefined;
  /** Folder that gets the pictures that fail; made if one does. */
  readonly out: string;
  /** Mutates only seeds of this format; the numbers then mean other pictures. */
  readonly format?: string | undefined;
  /** The number of the first picture. */
  readonly first?: number | undefined;
  /** The decoding process, and how long it may take for a picture; for tests. */
  readonly decoder?: string | undefined;
  readonly hangMs?: number | undefined;
  /** Takes each seed in turn as it is, instead of mutated ones. */
  readonly unchanged?: boolean | undefined;
  readonly onProgress?: ((soFar: PictureSummary) => void) | undefined;
}

const MOST_FAILURES = 20;
/** Pictures between two calls of `onProgress`. */
const PROGRESS = 500;

export async function runPictures(options: PictureCampaign): Promise<PictureSummary> {
  const { seed, count = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY, first = 0 } = options;
  const all = await pictureSeeds();
  const seeds = options.format === undefined ? all : all.filter(({ format }) => format === options.format);
  if (seeds.length === 0) throw new RangeError(`There is no picture of the format ${options.format} to mutate.`);
  const scratch = mkdtempSync(join(tmpdir(), 'dawngrad-pictures-'));
  const decoder = new Decoder(
    options.decoder ?? fileURLToPath(new URL('decoder.ts', import.meta.url)),
    options.hangMs ?? HANG_MS,
  );
  const pillow = options.python === undefined ? undefined : new PillowProcess(options.python);
  const started = performance.now();
  const verdicts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
  const failures: PictureFailure[] = [];
  let pictures = 0;
  let rss = 0;
  const summary = () => ({ seconds: (performance.now() - started) / 1000, pictures, verdicts, failures, rss });
  try {
    while (pictures < count && summary().seconds < seconds && failures.length < MOST_FAILURES) {
      const index = first + pictures++;
      const whole = seeds[index % seeds.length]!;
      const { seed: from, bytes } = options.unchanged
        ? { seed: whole, bytes: whole.bytes }
        : mutatedPicture(seeds, seed, index);
      const path = join(scratch, `${index % 8}.${from.format}`);
      writeFileSync(path, bytes);
      const [ours, theirs] = await Promise.all([decoder.decode(path), pillow?.decode(path)]);
      if (!('failure' in ours)) rss = Math.max(rss, ours.rss);
      const verdict = 'failure' in ours ? ours : judge(ours, theirs);
      if ('verdict' in verdict) verdicts[verdict.verdict]++;
      else {
        mkdirSync(options.out, { recursive: true });
        const kept = join(options.out, `${seed}-${index}.${from.format}`);
        writeFileSync(kept, bytes);
        failures.push({ index, from: from.name, message: verdict.failure, path: kept });
      }
      if (pictures % PROGRESS === 0) options.onProgress?.(summary());
    }
    return summary();
  } finally {
    await decoder.end();
    pillow?.end();
    rmSync(scratch, { recursive: true, force: true });
  }
}

export function describePictures({ pictures, seconds, verdicts, failures, rss }: PictureSummary): string {
  const counts = VERDICTS.filter((verdict) => verdicts[verdict] > 0).map(
    (verdict) => `${verdict} ${verdicts[verdict]}`,
  );
  return (
    `${pictures} pictures in ${seconds.toFixed(0)} s: ${counts.join(', ')}; ${failures.length} failures; ` +
    `at most ${(rss / 2 ** 20).toFixed(0)} MiB`
  );
}

/** The process that decodes, one picture at a time. */
class Decoder {
  readonly #script: string;
  readonly #hangMs: number;
  #child: ChildProcess | undefined;

  constructor(script: string, hangMs: number) {
    this.#script = script;
    this.#hangMs = hangMs;
  }

  async decode(path: string): Promise<Ours | { failure: string }> {
    const child = await this.#start();
    return new Promise((resolve) => {
      const finish = (result: Ours | { failure: string }) => {
        clearTimeout(timer);
        child.removeAllListeners();
        if ('failure' in result) {
          child.kill('SIGKILL');
          this.#child = undefined;
        }
        resolve(result);
      };
      const timer = setTimeout(() => finish({ failure: `hang: no answer within ${this.#hangMs} ms` }), this.#hangMs);
      child.on('message', (ours) => finish(ours as Ours));
      child.on('exit', (code, signal) => finish({ failure: `crash: ended with ${signal ?? `status ${code}`}` }));
      child.send(path);
    });
  }

  /** Starts the process and waits until it answers, so that its start does not count as a hang. */
  async #start(): Promise<ChildProcess> {
    if (this.#child) return this.#child;
    const child = fork(this.#script, { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
    child.stderr?.resume();
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', (code) => reject(new Error(`The decoding process ended with status ${code} as it started.`)));
      child.send('no such picture');
    });
    child.removeAllListeners();
    this.#child = child;
    return child;
  }

  async end(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill();
    });
  }
}

/** Pillow, one picture at a time. Where its process dies or hangs, it has refused the picture. */
class PillowProcess {
  readonly #python: string;
  #child: ChildProcessByStdio<Writable, Readable, null> | undefined;

  constructor(python: string) {
    this.#python = python;
  }

  decode(path: string): Promise<Pillow> {
    const child = this.#start();
    return new Promise((resolve) => {
      const lines = createInterface({ input: child.stdout });
      const finish = (answer: Pillow, isAlive: boolean) => {
        clearTimeout(timer);
        lines.close();
        child.removeAllListeners();
        if (!isAlive) {
          child.kill('SIGKILL');
          this.#child = undefined;
        }
        resolve(answer);
      };
      const timer = setTimeout(() => finish({ error: 'hangs' }, false), 2 * HANG_MS);
      lines.on('line', (line) => finish(JSON.parse(line) as Pillow, true));
      child.on('exit', (code) => finish({ error: `ended with status ${code}` }, false));
      child.stdin.write(`${path}\n`);
    });
  }

  #start() {
    if (this.#child) return this.#child;
    const script = fileURLToPath(new URL('pillow.py', import.meta.url));
    this.#child = spawn(this.#python, [script, String(MAX_PIXELS)], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdin.on('error', () => {});
    return this.#child;
  }

  end(): void {
    this.#child?.stdin.end();
  }
}

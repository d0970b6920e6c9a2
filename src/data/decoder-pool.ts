/**
 * The threads that decode, crop and normalise. Each requested batch goes to the thread with the fewest waiting batches.
 * Buffers are transferred, not copied. Idle threads do not keep Node alive. A thread that dies costs the picture that it
 * was at: another takes its place and its other batches.
 */
import { Worker } from 'node:worker_threads';
import { DawngradError, FileError } from '../errors.ts';
import { MissingPackageError } from '../optional.ts';
import { type DecodeOptions, MAX_PIXELS, PictureTooLargeError } from './decode.ts';
import { printableName } from './names.ts';
import { PixelBudget } from './pixel-budget.ts';
import { type BatchJob, renderBatch } from './render.ts';

/** @internal Message from the pool to a thread. */
export type WorkerRequest =
  | { readonly kind: 'render'; readonly id: number; readonly job: BatchJob; readonly out: Float32Array<ArrayBuffer> }
  | { readonly kind: 'close' };

/** @internal Message from a thread to the pool. */
export type WorkerReply =
  | { readonly id: number; readonly out: Float32Array<ArrayBuffer> }
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } };

/** @internal What a thread is told when it starts. */
export interface ThreadData {
  /** Not 0 once the pool is closed. */
  readonly stop: Int32Array<SharedArrayBuffer>;
  readonly maxPixels: number;
  readonly ignoreOrientation: boolean;
  /** The memory of the threads' `PixelBudget`, and its size in pixels. */
  readonly budget: Int32Array<SharedArrayBuffer>;
  readonly budgetTotal: number;
  /** Number of the thread. */
  readonly thread: number;
  /** The number of pictures that the thread has begun of its first waiting batch. */
  readonly progress: Int32Array<SharedArrayBuffer>;
}

interface Waiting {
  readonly job: BatchJob;
  /** What the caller gave: the thread has the memory. */
  readonly out: { readonly bytes: number; readonly offset: number; readonly length: number };
  resolve(out: Float32Array<ArrayBuffer>): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  readonly data: ThreadData;
  /** By number, in the order of the thread's work. */
  readonly waiting: Map<number, Waiting>;
  readonly exited: Promise<void>;
  /** Why the thread accepts no more work. */
  failure: Error | undefined;
}

const CLOSED = 'The decoder threads were closed.';
/**
 * All threads together decode at most so many pixels at once, 400 MB of RGB. A picture that finds no room waits; a larger
 * one waits for all of it.
 */
const PIXELS_AT_ONCE = 2 ** 27;

/** Threads that decode pictures. Several loaders may share one pool. Its creator must close it. */
export class DecoderPool {
  /** Number of decoder threads; 0 means that the calling thread decodes. */
  readonly threads: number;
  /** The most pixels that a picture may have. */
  readonly maxPixels: number;
  /** Whether pictures are left as they are stored. */
  readonly ignoreOrientation: boolean;
  private readonly started: Thread[] = [];
  private readonly stop = new Int32Array(new SharedArrayBuffer(4));
  private readonly budget: { readonly memory: Int32Array<SharedArrayBuffer>; readonly total: number };
  /** Threads that died and whose place another took. */
  private readonly dead: Thread[] = [];
  /** End of the queue when the calling thread decodes. */
  private lastInline: Promise<unknown> = Promise.resolve();
  private nextId = 0;
  private closed = false;

  constructor(threads: number, options: DecodeOptions = {}) {
    const { maxPixels = MAX_PIXELS, ignoreOrientation = false } = options;
    if (!Number.isInteger(threads) || threads < 0) {
      throw new DawngradError(`Decoder threads: expected 0 or a positive whole number, found ${threads}.`);
    }
    if (!(maxPixels >= 1)) {
      throw new DawngradError(`maxPixels: expected a number of at least 1, found ${maxPixels}.`);
    }
    this.threads = threads;
    this.maxPixels = maxPixels;
    this.ignoreOrientation = ignoreOrientation;
    this.budget = PixelBudget.create(PIXELS_AT_ONCE, threads);
  }

  /** Starts the threads before the first batch needs them. */
  start(): void {
    while (!this.closed && this.started.length < this.threads) this.started.push(this.startThread(this.started.length));
  }

  /**
   * Computes a batch into `out`. The pool owns `out` until the promise resolves to (a new view of) it.
   *
   * @throws FileError naming the picture that cannot be read; DawngradError if the pool is closed before or during the
   *   work
   */
  async render(job: BatchJob, out: Float32Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>> {
    if (this.closed) throw new DawngradError(CLOSED);
    if (this.threads === 0) {
      const { stop, maxPixels, ignoreOrientation } = this;
      const rendered = this.lastInline.then(() => renderBatch(job, out, { stop, maxPixels, ignoreOrientation }));
      this.lastInline = rendered.catch(() => {});
      await rendered;
      return out;
    }
    this.start();
    const failure = this.started.find((candidate) => candidate.failure)?.failure;
    if (failure) throw failure;
    const memory = { bytes: out.buffer.byteLength, offset: out.byteOffset, length: out.length };
    return new Promise((resolve, reject) => this.send({ job, out: memory, resolve, reject }, out));
  }

  private send(waiting: Waiting, out: Float32Array<ArrayBuffer>): void {
    const thread = this.started.reduce((best, next) => (next.waiting.size < best.waiting.size ? next : best));
    const id = this.nextId++;
    thread.waiting.set(id, waiting);
    thread.worker.ref();
    const request: WorkerRequest = { kind: 'render', id, job: waiting.job, out };
    thread.worker.postMessage(request, [out.buffer]);
  }

  /** Drops waiting work, ends the threads and resolves when they have ended. The pool cannot be used again. */
  async close(): Promise<void> {
    this.closed = true;
    Atomics.store(this.stop, 0, 1);
    const request: WorkerRequest = { kind: 'close' };
    for (const { worker } of this.started) {
      worker.ref();
      // The thread exits between two pictures: terminating it inside native code would be unsafe.
      worker.postMessage(request);
    }
    await Promise.all([this.lastInline, ...[...this.started, ...this.dead].map((thread) => thread.exited)]);
  }

  private startThread(number: number): Thread {
    const data: ThreadData = {
      ...{ stop: this.stop, maxPixels: this.maxPixels, ignoreOrientation: this.ignoreOrientation, thread: number },
      ...{ budget: this.budget.memory, budgetTotal: this.budget.total },
      progress: new Int32Array(new SharedArrayBuffer(4)),
    };
    return startThread(data, (thread, reason) => this.replace(thread, reason));
  }

  /**
   * Puts another thread in the place of one that died while it was at a picture. That batch fails and names the picture;
   * the others are computed anew. A thread that dies before its first picture would only die again.
   */
  private replace(thread: Thread, reason: string): boolean {
    const { data, waiting } = thread;
    const begun = Atomics.load(data.progress, 0);
    const [[first, lost] = []] = waiting;
    const place = this.started.indexOf(thread);
    if (this.closed || begun === 0 || first === undefined || !lost || place < 0) return false;
    new PixelBudget(data.budget, data.budgetTotal, data.thread).release();
    this.dead.push(thread);
    this.started[place] = this.startThread(data.thread);
    waiting.delete(first);
    const { path } = lost.job.pictures[begun - 1]!;
    lost.reject(
      new FileError(
        `${printableName(path)}: the thread that decoded this picture ended (${reason}). Remove it from the folder, or ` +
          'try a smaller limit on pixels (maxPixels, --max-pixels).',
      ),
    );
    for (const other of waiting.values()) {
      const { bytes, offset, length } = other.out;
      this.send(other, new Float32Array(new ArrayBuffer(bytes), offset, length));
    }
    waiting.clear();
    return true;
  }
}

/** @param died is told why; returns whether it has taken over the thread's work */
function startThread(data: ThreadData, died: (thread: Thread, reason: string) => boolean): Thread {
  const { stop } = data;
  const worker = new Worker(threadUrl(), { workerData: data, execArgv: [] });
  const waiting = new Map<number, Waiting>();
  worker.on('message', (reply: WorkerReply) => {
    const { resolve, reject } = waiting.get(reply.id)!;
    waiting.delete(reply.id);
    // While the pool closes, Node must wait for the thread to exit.
    if (waiting.size === 0 && Atomics.load(stop, 0) === 0) worker.unref();
    if ('out' in reply) resolve(reply.out);
    else reject(revive(reply.error));
  });
  let cause: Error | undefined;
  // The event `exit` follows.
  worker.on('error', (error) => {
    cause = error;
  });
  const exited = new Promise<void>((resolve) => {
    worker.on('exit', (code) => {
      const reason = cause ? String(cause) : `status ${code}`;
      if (!died(thread, reason)) {
        const isClosed = Atomics.load(stop, 0) !== 0;
        thread.failure = new DawngradError(isClosed ? CLOSED : `A decoder thread ended: ${reason}.`, { cause });
        for (const { reject } of waiting.values()) reject(thread.failure);
        waiting.clear();
      }
      resolve();
    });
  });
  const thread: Thread = { worker, data, waiting, exited, failure: undefined };
  worker.unref();
  return thread;
}

/**
 * A build runs worker.js. From sources a thread needs tsx to read TypeScript, whatever the parent uses (vitest brings
 * its own transformer). `--import tsx` does not reach threads on Node 20, so a small script registers it.
 */
function threadUrl(): URL {
  const script = import.meta.url.endsWith('.ts') ? './worker-from-source.mjs' : './worker.js';
  return new URL(script, import.meta.url);
}

/** Errors lose their class when they pass between threads. */
function revive({ name, message }: { readonly name: string; readonly message: string }): Error {
  if (name === 'FileError') return new FileError(message);
  if (name === 'PictureTooLargeError') return new PictureTooLargeError(message);
  if (name === 'MissingPackageError') return new MissingPackageError(message);
  return new DawngradError(name === 'DawngradError' ? message : `A decoder thread failed: ${name}: ${message}`);
}

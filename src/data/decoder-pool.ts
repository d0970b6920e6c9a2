/**
 * The threads that decode, crop and normalise. Each requested batch goes to the thread with the fewest waiting batches.
 * Buffers are transferred, not copied. Idle threads do not keep Node alive.
 */
import { Worker } from 'node:worker_threads';
import { DawngradError, FileError } from '../errors.ts';
import { MissingPackageError } from '../optional.ts';
import { type BatchJob, renderBatch } from './render.ts';

/** @internal Message from the pool to a thread. */
export type WorkerRequest =
  | { readonly kind: 'render'; readonly id: number; readonly job: BatchJob; readonly out: Float32Array<ArrayBuffer> }
  | { readonly kind: 'close' };

/** @internal Message from a thread to the pool. */
export type WorkerReply =
  | { readonly id: number; readonly out: Float32Array<ArrayBuffer> }
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } };

interface Waiting {
  resolve(out: Float32Array<ArrayBuffer>): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
  readonly exited: Promise<void>;
  /** The reason why the thread accepts no more work. */
  failure: Error | undefined;
}

const CLOSED = 'The decoder threads were closed.';

/** Threads that decode pictures. Several loaders may share one pool. Its creator must close it. */
export class DecoderPool {
  /** Number of decoder threads; 0 means that the calling thread decodes. */
  readonly threads: number;
  private readonly started: Thread[] = [];
  private readonly stop = new Int32Array(new SharedArrayBuffer(4));
  /** End of the queue when the calling thread decodes. */
  private lastInline: Promise<unknown> = Promise.resolve();
  private nextId = 0;
  private closed = false;

  constructor(threads: number) {
    if (!Number.isInteger(threads) || threads < 0) {
      throw new DawngradError(`Decoder threads: expected 0 or a positive whole number, found ${threads}.`);
    }
    this.threads = threads;
  }

  /** Starts the threads before the first batch needs them. */
  start(): void {
    while (!this.closed && this.started.length < this.threads) this.started.push(startThread(this.stop));
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
      const rendered = this.lastInline.then(() => renderBatch(job, out, this.stop));
      this.lastInline = rendered.catch(() => {});
      await rendered;
      return out;
    }
    this.start();
    const failure = this.started.find((candidate) => candidate.failure)?.failure;
    if (failure) throw failure;
    const thread = this.started.reduce((best, next) => (next.waiting.size < best.waiting.size ? next : best));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      thread.waiting.set(id, { resolve, reject });
      thread.worker.ref();
      const request: WorkerRequest = { kind: 'render', id, job, out };
      thread.worker.postMessage(request, [out.buffer]);
    });
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
    await Promise.all([this.lastInline, ...this.started.map((thread) => thread.exited)]);
  }
}

function startThread(stop: Int32Array): Thread {
  const worker = new Worker(threadUrl(), { workerData: { stop }, execArgv: [] });
  const waiting = new Map<number, Waiting>();
  worker.on('message', (reply: WorkerReply) => {
    const { resolve, reject } = waiting.get(reply.id)!;
    waiting.delete(reply.id);
    // While the pool closes, Node must wait for the thread to exit.
    if (waiting.size === 0 && Atomics.load(stop, 0) === 0) worker.unref();
    if ('out' in reply) resolve(reply.out);
    else reject(revive(reply.error));
  });
  const fail = (error: Error) => {
    thread.failure ??= error;
    for (const { reject } of waiting.values()) reject(thread.failure);
    waiting.clear();
  };
  worker.on('error', (cause) => fail(new DawngradError(`A decoder thread failed: ${String(cause)}`, { cause })));
  const exited = new Promise<void>((resolve) => {
    worker.on('exit', (code) => {
      fail(new DawngradError(code === 0 ? CLOSED : `A decoder thread ended with status ${code}.`));
      resolve();
    });
  });
  const thread: Thread = { worker, waiting, exited, failure: undefined };
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
  if (name === 'MissingPackageError') return new MissingPackageError(message);
  return new DawngradError(name === 'DawngradError' ? message : `A decoder thread failed: ${name}: ${message}`);
}

/** Writes files on a thread of its own while training goes on. */
import { Worker } from 'node:worker_threads';
import { DawngradError, FileError } from '../errors.ts';
import type { SaveJob } from './save-jobs.ts';

type Reply =
  | { readonly sha256: string }
  | { readonly error: { readonly name: string; readonly message: string; readonly code: string | undefined } };

interface Waiting {
  resolve(sha256: string): void;
  reject(error: Error): void;
}

/** At most one job is under way, so that memory holds one state beside the one in use. */
export class SaveThread {
  #worker: Worker | undefined;
  #waiting: Waiting | undefined;
  /** Fulfilled when the last job is done; rejected with its error. */
  #last: Promise<string> | undefined;

  /**
   * Waits for the job before, then starts this one.
   * @param transfer memory that the caller gives up
   * @throws the error of the job before
   */
  async start(job: SaveJob, transfer: readonly ArrayBuffer[]): Promise<void> {
    await this.finish();
    this.#worker ??= this.#open();
    const worker = this.#worker;
    // A pending write keeps the process alive.
    worker.ref();
    this.#last = new Promise<string>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      worker.postMessage(job, [...new Set(transfer)]);
    }).finally(() => worker.unref());
    // It is awaited by the next `start` or `finish`.
    this.#last.catch(() => {});
  }

  /** Waits for the last job. @returns the hash it gave, if there was one @throws FileError if it could not write */
  async finish(): Promise<string | undefined> {
    return this.#last;
  }

  /** Ends the thread when its job is done. Never throws: `finish` reports errors. */
  async close(): Promise<void> {
    await this.#last?.catch(() => {});
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  #open(): Worker {
    const worker = new Worker(threadUrl());
    worker.on('message', (reply: Reply) => {
      if ('sha256' in reply) this.#waiting?.resolve(reply.sha256);
      else this.#waiting?.reject(revive(reply.error));
    });
    const fail = (reason: string) => {
      this.#waiting?.reject(new DawngradError(`The thread that saves failed: ${reason}`));
    };
    worker.on('error', (error) => fail(String(error)));
    worker.on('exit', (code) => {
      if (this.#worker === worker) this.#worker = undefined;
      fail(`it ended with status ${code}.`);
    });
    worker.unref();
    return worker;
  }
}

/** Errors lose their class when they pass between threads. */
function revive({
  name,
  message,
  code,
}: {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
}): Error {
  if (name !== 'FileError') return new DawngradError(`The thread that saves failed: ${name}: ${message}`);
  return new FileError(message, { cause: Object.assign(new Error(message), { code }) });
}

/** A build runs save-worker.js. From sources a thread needs tsx, see `data/decoder-pool.ts`. */
function threadUrl(): URL {
  const script = import.meta.url.endsWith('.ts') ? './save-worker-from-source.mjs' : './save-worker.js';
  return new URL(script, import.meta.url);
}

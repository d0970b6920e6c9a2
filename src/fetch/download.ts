/** Downloads an address into a file and hashes it on the way. Less than the server promised is an error. */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { STATUS_CODES } from 'node:http';
import { loadOptional } from '../optional.ts';
import type { Answer } from './connection.ts';
import { DownloadError, UnreachableError } from './errors.ts';
import { proxyVariable } from './proxy.ts';
import { networkReason, seconds } from './reasons.ts';
import type { FetchOptions, Source } from './source.ts';

/** Together with the start of a command, this is less than ten seconds. */
const ANSWER_WITHIN_MS = 8000;
const STALL_AFTER_MS = 30_000;

/** The tutorial's pictures and a ResNet's weights are smaller, and a mistake must not fill the disk. */
const LARGEST_DOWNLOAD = 2 ** 32;

export interface Downloaded {
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
  /** Whether the server marked the end. If not, a cut-off download cannot be told from a complete one. */
  readonly endKnown: boolean;
}

/**
 * @param target must not exist yet; flushed to disk at the end. After an error the caller removes the partial file
 * @throws UnreachableError if no usable answer comes in time; DownloadError if the download is cut off; the signal's
 *   reason if it is aborted; errors of `node:fs` unchanged
 */
export async function download(source: Source, target: string, options: FetchOptions): Promise<Downloaded> {
  const { signal, env = process.env } = options;
  signal?.throwIfAborted();
  const { openConnection } = await loadOptional('undici', 'Downloading', () => import('./connection.ts'));
  const connection = openConnection(env);
  // Opened first, so that a folder without write access is found before any request.
  const file = openSync(target, 'wx');
  const stop = new AbortController();
  const either = AbortSignal.any([stop.signal, ...(signal ? [signal] : [])]);
  try {
    const answer = await goodAnswer(source, options, stop, () =>
      Promise.race([connection.get(source.address, either), rejectionOf(either)]),
    );
    return await receive(source, answer, file, options, stop);
  } catch (error) {
    // An abort takes precedence over the error that it caused.
    signal?.throwIfAborted();
    throw error;
  } finally {
    closeSync(file);
    connection.close();
  }
}

/** Rejects on abort. The client itself ignores the signal during name lookup and while it connects. */
function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
}

/** Waits for the head of an answer with a success status. */
async function goodAnswer(
  source: Source,
  { env = process.env, answerWithin = ANSWER_WITHIN_MS }: FetchOptions,
  stop: AbortController,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  const proxy = proxyVariable(source.address.protocol, env);
  const fail = (reason: string, cause?: unknown) =>
    new UnreachableError(source, proxy ? `${reason} (${proxy} is set)` : reason, { cause });
  const late = new Error(`no answer within ${seconds(answerWithin)}`);
  const timer = setTimeout(() => stop.abort(late), answerWithin);
  try {
    const answer = await ask();
    const { status } = answer;
    if (status >= 200 && status < 300) return answer;
    answer.body.destroy();
    throw fail(`the server answered with status ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd());
  } catch (error) {
    if (error instanceof UnreachableError) throw error;
    throw stop.signal.reason === late ? fail(late.message) : fail(networkReason(error, source.address), error);
  } finally {
    clearTimeout(timer);
  }
}

async function receive(
  source: Source,
  { total, endKnown, body }: Answer,
  file: number,
  { onProgress, stallAfter = STALL_AFTER_MS }: FetchOptions,
  stop: AbortController,
): Promise<Downloaded> {
  const hash = createHash('sha256');
  let received = 0;
  const report = () => onProgress?.({ address: source.address.href, name: source.name, received, total });
  const fail = (problem: string, error?: unknown) => {
    const progress = total === undefined ? `${received} bytes` : `${received} of ${total} bytes`;
    const reason = error === undefined ? '' : `: ${networkReason(error, source.address)}`;
    return new DownloadError(source, `${problem} after ${progress}${reason}`, { cause: error });
  };
  const checkSize = (bytes: number) => {
    if (bytes > LARGEST_DOWNLOAD) throw fail(`the download was stopped at its limit of ${LARGEST_DOWNLOAD} bytes`);
  };

  const stalled = new Error(`no data arrived for ${seconds(stallAfter)}`);
  const timer = setTimeout(() => stop.abort(stalled), stallAfter);
  try {
    checkSize(total ?? 0);
    report();
    const chunks = body[Symbol.asyncIterator]();
    for (;;) {
      const next: IteratorResult<Buffer> = await chunks.next().catch((error: unknown) => {
        if (stop.signal.reason === stalled) throw fail(stalled.message);
        throw fail('the download was cut off', error);
      });
      if (next.done) break;
      timer.refresh();
      received += next.value.byteLength;
      checkSize(received);
      hash.update(next.value);
      writeWhole(file, next.value);
      report();
    }
    if (total !== undefined && received !== total) throw fail('the download was cut off');
    if (received === 0) throw fail('the answer ended');
    fsyncSync(file);
    return { bytes: received, sha256: hash.digest('hex'), endKnown };
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
}

/** Waits for the disk, so that received data does not pile up in memory. A write may take only part of the bytes. */
function writeWhole(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength; ) done += writeSync(file, bytes, done);
}

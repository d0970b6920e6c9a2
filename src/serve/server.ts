/** A predictor behind HTTP. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { DawngradError } from '../errors.ts';
import { DeviceLostError, GpuError, WatchdogError } from '../gpu/errors.ts';
import { loadOptional } from '../optional.ts';
import type { Predictor } from '../predict/index.ts';
import { createApp, type State } from './app.ts';
import { Batcher } from './batcher.ts';
import { openMetrics } from './metrics.ts';
import { type ServeOptions, type ServeSettings, serveSettings } from './options.ts';
import { openLimiter } from './rate.ts';

/** A server that runs. */
export interface Serving {
  /** `http://127.0.0.1:8080` */
  readonly address: string;
  /** Rejects if the device fails: the server then answers with status 500 and 503 until it is closed. */
  readonly failed: Promise<never>;
  /** Takes no new requests, answers those that it has, and resolves then. The predictor stays open. */
  close(): Promise<void>;
}

/** Open connections. More are closed at once. */
const MOST_CONNECTIONS = 1024;
/** Seconds for the head of a request. */
const HEAD_SECONDS = 10;
/**
 * Milliseconds between the refusal of new requests and the end of listening. Connections that the system has accepted
 * and this program has not seen yet would be reset.
 */
const GRACE = 250;
/** Milliseconds between two looks for connections that take too long. */
const CHECK_INTERVAL = 1000;

/**
 * Answers `POST /predict` with the classes of pictures, and `GET /` with a page to drop a picture on; `/healthz` and
 * `/metrics` are for those who run it. Pictures of requests that wait share a forward pass.
 * @param predictor the caller closes it, after the server; open it with `startThreads`
 * @param batchSize pictures of a forward pass
 * @throws UsageError if an option is invalid; MissingPackageError if a package is not installed; DawngradError if the
 *   address cannot be used
 */
export async function serve(predictor: Predictor, batchSize: number, options: ServeOptions = {}): Promise<Serving> {
  const settings = serveSettings(options);
  const state: State = { requests: 0, ending: undefined };
  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});
  const batcher: Batcher = new Batcher(predictor, {
    batchSize,
    onBatch: (pictures) => metrics.batch(pictures),
    onError: (error) => {
      settings.onProblem(error instanceof DawngradError ? error.message : ((error as Error).stack ?? String(error)));
      if (!isFatal(error)) return;
      state.ending = 'failed';
      fail(error);
    },
  });
  const metrics = await openMetrics(() => ({ requests: state.requests, pictures: batcher.waiting }));
  const consume = await openLimiter(settings.rate);
  const app = await createApp({ predictor, batcher, metrics, consume, settings, state });
  const { getRequestListener } = await loadOptional('@hono/node-server', 'Serving', () => import('@hono/node-server'));
  const timeouts = {
    requestTimeout: settings.timeout * 1000,
    headersTimeout: Math.min(HEAD_SECONDS, settings.timeout) * 1000,
    connectionsCheckingInterval: CHECK_INTERVAL,
  };
  // The app answers its own errors: what is left are heads that make no request.
  const errorHandler = () => Response.json({ error: BAD_REQUEST[1] }, { status: 400 });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false, errorHandler });
  const server = createServer(timeouts, listener);
  server.maxConnections = MOST_CONNECTIONS;
  server.on('clientError', refuseConnection);
  await listen(server, settings);
  const { address, port, family } = server.address() as AddressInfo;
  return {
    address: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    failed,
    close: () => {
      state.ending ??= 'closing';
      return close(server, settings.timeout);
    },
  };
}

/** What is answered to bytes that make no request, by Node's codes. */
const NO_REQUEST: Readonly<Record<string, readonly [status: string, error: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request did not arrive in time. Try again.'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The head of the request is too large.'],
};
const BAD_REQUEST = ['400 Bad Request', 'This is no HTTP request that can be read.'] as const;

/** Answers on a connection that has no request, and ends it. */
function refuseConnection({ code = '' }: NodeJS.ErrnoException, socket: Duplex): void {
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, error] = NO_REQUEST[code] ?? BAD_REQUEST;
  const body = JSON.stringify({ error });
  const head = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close`;
  socket.end(`HTTP/1.1 ${status}\r\n${head}\r\n\r\n${body}`);
}

/** Whether no later batch can succeed. */
function isFatal(error: unknown): boolean {
  return error instanceof DeviceLostError || error instanceof WatchdogError || error instanceof GpuError;
}

function listen(server: Server, { host, port }: ServeSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reasons: Record<string, string> = {
        EADDRINUSE: `port ${port} is in use. Give another with --port, or 0 for any`,
        EACCES: `port ${port} needs more rights. Give one of at least 1024 with --port`,
        EADDRNOTAVAIL: 'this machine has no such address. Give another with --host',
        ENOTFOUND: 'there is no such name. Give another with --host',
      };
      reject(new DawngradError(`${host}: ${reasons[cause.code ?? ''] ?? cause.message}.`, { cause }));
    });
    server.listen(port, host, resolve);
  });
}

/** @param seconds after which connections are cut off, though their requests have no answer yet */
async function close(server: Server, seconds: number): Promise<void> {
  await sleep(GRACE);
  await new Promise<void>((resolve) => {
    // A request that has just arrived waits for its answer as long as the device takes.
    const cut = setTimeout(() => server.closeAllConnections(), 2 * seconds * 1000);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}

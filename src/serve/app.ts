/** The routes of a server. */
import type { HttpBindings } from '@hono/node-server';
import type { Context, Hono, MiddlewareHandler } from 'hono';
import { formatOf, PictureTooLargeError } from '../data/index.ts';
import { loadOptional } from '../optional.ts';
import type { NamedBytes, Predictor } from '../predict/index.ts';
import { type Batcher, LateError, type Outcome } from './batcher.ts';
import { Refused, readPictures } from './body.ts';
import type { Metrics } from './metrics.ts';
import type { ServeSettings } from './options.ts';
import { makePage } from './page.ts';
import type { Consume } from './rate.ts';

/** What a server is at the moment. */
export interface State {
  /** Requests in progress. */
  requests: number;
  /** Whether it takes no new requests, and why: it was told to end, or its device fails. */
  ending: 'closing' | 'failed' | undefined;
}

export interface AppParts {
  readonly predictor: Pick<Predictor, 'classes' | 'half' | 'imageSize'>;
  readonly batcher: Pick<Batcher, 'add'>;
  readonly metrics: Metrics;
  readonly consume: Consume;
  readonly settings: ServeSettings;
  readonly state: State;
}

type Env = { Bindings: HttpBindings };
type Ask = Context<Env>;

/** Seconds after which a client may try again if the server is full. */
const FULL_RETRY = 1;
/** Their paths, and what they are asked by. */
const ROUTES: Readonly<Record<string, string>> = {
  '/': 'GET',
  '/predict': 'POST',
  '/healthz': 'GET',
  '/metrics': 'GET',
};
/** As `predict` prints them. */
const DEFAULT_TOP = 5;

/** @throws MissingPackageError if hono is not installed */
export async function createApp(parts: AppParts): Promise<Hono<Env>> {
  const { metrics, state, predictor, settings } = parts;
  const [{ Hono }, { secureHeaders }] = await loadOptional('hono', 'Serving', () =>
    Promise.all([import('hono'), import('hono/secure-headers')]),
  );
  const page = makePage({ classes: predictor.classes, maxBytes: settings.maxBytes });
  const app = new Hono<Env>();
  app.use(measured(metrics));
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        ...{ defaultSrc: ["'none'"], connectSrc: ["'self'"], imgSrc: ["'self'", 'blob:', 'data:'] },
        ...{ scriptSrc: [page.scriptHash], styleSrc: [page.styleHash] },
        ...{ baseUri: ["'none'"], formAction: ["'self'"], frameAncestors: ["'none'"] },
      },
      xFrameOptions: 'DENY',
      referrerPolicy: 'no-referrer',
      // There is no TLS here.
      strictTransportSecurity: false,
    }),
  );
  app.use(ownHost(settings.host));
  app.use(async (c, next) => {
    await next();
    c.header('Cache-Control', 'no-store');
    if (state.ending) c.header('Connection', 'close');
  });

  app.get('/', (c) => c.html(page.html));
  app.get('/healthz', (c) =>
    state.ending
      ? c.json({ status: state.ending }, 503)
      : c.json({ status: 'ok', classes: predictor.classes.length, imageSize: predictor.imageSize }),
  );
  app.get('/metrics', async (c) => c.body(await metrics.text(), 200, { 'Content-Type': metrics.contentType }));
  app.post('/predict', (c) => admitted(state, settings, () => predict(c, parts)));
  for (const [path, method] of Object.entries(ROUTES)) {
    const message = path === '/predict' ? 'Send pictures with POST.' : `Ask with ${method}; pictures go to /predict.`;
    const allowed = method === 'GET' ? 'GET, HEAD' : method;
    app.all(path, (c) => refuse(c, new Refused(405, message), { Allow: allowed }));
  }
  app.notFound((c) =>
    refuse(c, new Refused(404, `There is nothing here: the paths are ${Object.keys(ROUTES).join(', ')}.`)),
  );
  app.onError((error, c) => {
    if (error instanceof Refused) return refuse(c, error);
    if (error instanceof LateError) return refuse(c, new Refused(503, `${error.message} Try again.`, FULL_RETRY));
    // The message may name files of this machine. It was told to `onProblem`.
    return refuse(c, new Refused(500, 'The server could not compute an answer. Its log says why.'));
  });
  return app;
}

/** Counts each answer, and how long it took. */
function measured(metrics: Metrics): MiddlewareHandler<Env> {
  return async (c, next) => {
    const start = performance.now();
    await next();
    const route = Object.hasOwn(ROUTES, c.req.path) ? c.req.path : 'other';
    metrics.answered(route, c.res.status, (performance.now() - start) / 1000);
  };
}

/**
 * Refuses requests that a web page elsewhere makes a browser send. Such a page may have a name that leads to this
 * machine (DNS rebinding), so a server of this machine wants to be called by a name of this machine.
 */
function ownHost(host: string): MiddlewareHandler<Env> {
  const isLocal = isLoopback(host);
  return async (c, next) => {
    if (isLocal && !isLoopback(new URL(c.req.url).hostname)) {
      throw new Refused(421, 'This server answers only to localhost. Its --host is for other names.');
    }
    const site = c.req.header('sec-fetch-site');
    if (c.req.method !== 'GET' && (site === 'cross-site' || site === 'same-site')) {
      throw new Refused(403, 'Pages of other sites may not send pictures to this server.');
    }
    await next();
  };
}

/** Whether this names the machine itself. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[?::1\]?)$/i.test(host);
}

/** Keeps the number of requests in progress bounded, and so the memory of their bodies. */
async function admitted(state: State, { queue }: ServeSettings, answer: () => Promise<Response>): Promise<Response> {
  if (state.ending) throw new Refused(503, 'The server is ending. Try again later.', FULL_RETRY);
  if (state.requests >= queue) {
    throw new Refused(503, `The server is busy with ${queue} requests. Try again.`, FULL_RETRY);
  }
  state.requests++;
  try {
    return await answer();
  } finally {
    state.requests--;
  }
}

async function predict(c: Ask, { predictor, batcher, metrics, consume, settings }: AppParts): Promise<Response> {
  const top = topOf(c, settings.top || (predictor.classes.length > 2 ? DEFAULT_TOP : 1));
  const address = c.env.incoming.socket.remoteAddress;
  await consume(address, 1);
  const { pictures, isForm } = await readPictures(c.req.raw, settings);
  if (pictures.length > 1) await consume(address, pictures.length - 1);
  const answers = await Promise.all(
    pictures.map(async (picture) => answerOf(picture, await batcher.add(picture, settings.timeout), top)),
  );
  for (const { status } of answers) metrics.picture(status === 200 ? 'predicted' : 'refused');
  const half = predictor.half && { half: true };
  const rows = answers.map(({ row }) => ({ ...row, ...half }));
  // A form of several pictures has succeeded if one of them has.
  const status = answers.some((answer) => answer.status === 200) ? 200 : answers[0]!.status;
  return c.json(isForm ? { pictures: rows } : rows[0], status);
}

function topOf(c: Ask, most: number): number {
  const given = c.req.query('top');
  if (given === undefined) return most;
  const top = Number(given);
  if (/^\d+$/.test(given) && Number.isSafeInteger(top) && top >= 1) return top;
  throw new Refused(400, 'top: expected a whole number of at least 1.');
}

interface Answer {
  readonly status: 200 | 400 | 413 | 415;
  readonly row: object;
}

async function answerOf({ name, bytes }: NamedBytes, outcome: Outcome, top: number): Promise<Answer> {
  if (!('error' in outcome)) return { status: 200, row: { path: name, top: outcome.top.slice(0, top) } };
  const { error } = outcome;
  const row = { path: name, error: error.message };
  if (error instanceof PictureTooLargeError) return { status: 413, row };
  const head = bytes instanceof Blob ? await bytes.slice(0, HEAD_BYTES).arrayBuffer() : bytes.slice(0, HEAD_BYTES);
  if (head.byteLength === 0) return { status: 400, row };
  return { status: formatOf(Buffer.from(head as ArrayBuffer)) === undefined ? 415 : 400, row };
}

/** More than any format needs to be recognised. */
const HEAD_BYTES = 64;

function refuse(c: Ask, { status, message, retryAfter }: Refused, headers: Record<string, string> = {}): Response {
  if (retryAfter !== undefined) c.header('Retry-After', `${retryAfter}`);
  return c.json({ error: message }, status, headers);
}

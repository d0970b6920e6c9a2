/**
 * The http client. In a file of its own, because loading it takes a moment and most runs download nothing. Node's own
 * `fetch` does not see the variables that name a proxy.
 */
import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Agent, type Dispatcher, EnvHttpProxyAgent, interceptors, request } from 'undici';
import { proxySettings } from './proxy.ts';

export interface Answer {
  readonly status: number;
  /** Bytes that will come, where the server tells. */
  readonly total: number | undefined;
  /** Whether the server says, in one way or another, where the end is. */
  readonly endKnown: boolean;
  /** Decoded. Ends with an error where it is cut off. */
  readonly body: Readable;
}

export interface Connection {
  /** Follows redirects. Rejects only where there is no answer at all. */
  get(address: URL, signal: AbortSignal): Promise<Answer>;
  /** Ends all that is going on. */
  close(): void;
}

const MOST_REDIRECTS = 10;

const DECODERS: Readonly<Record<string, () => NodeJS.ReadWriteStream>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** @throws UsageError if a variable names a proxy that cannot be used */
export function openConnection(env: NodeJS.ProcessEnv): Connection {
  const proxies = proxySettings(env);
  const agent: Dispatcher =
    proxies.httpProxy || proxies.httpsProxy ? withoutWarnings(() => new EnvHttpProxyAgent(proxies)) : new Agent();
  const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: MOST_REDIRECTS }));
  return {
    get: async (address, signal) => {
      const { statusCode, headers, body } = await request(address, {
        dispatcher,
        signal,
        // Of encoded content, the length could not be compared with what was promised.
        headers: { 'accept-encoding': 'identity' },
        // The client must never be held up: if the server closes the connection then, undici 6 throws where nobody can
        // catch it (nodejs/undici#5360).
        highWaterMark: Number.MAX_SAFE_INTEGER,
      });
      const header = (name: string) => [headers[name] ?? ''].flat().join().toLowerCase();
      const decoder = DECODERS[header('content-encoding')];
      const content = decoder ? decoded(body, decoder()) : body;
      // Who reads it hears of errors all the same; of an answer that nobody wants to read, they would end the process.
      content.on('error', () => {});
      const length = header('content-length');
      const total = /^\d+$/.test(length) ? Number(length) : undefined;
      return {
        status: statusCode,
        // That of what arrives, not of what it is decoded to.
        total: decoder ? undefined : total,
        endKnown: total !== undefined || header('transfer-encoding').includes('chunked'),
        body: content,
      };
    },
    // Idle connections would keep the process alive for a while. Not waited for: looking up a name can take long.
    close: () => void agent.destroy().catch(() => {}),
  };
}

function decoded(body: Readable, decoder: NodeJS.ReadWriteStream): Readable {
  // An error of either is one of the decoder, which is read.
  return pipeline(body, decoder, () => {}) as unknown as Readable;
}

/** undici 6 calls this class experimental on stderr; users of a proxy can do nothing about that. */
function withoutWarnings<T>(make: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return make();
  } finally {
    process.emitWarning = emitWarning;
  }
}

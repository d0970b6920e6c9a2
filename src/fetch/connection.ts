/**
 * The HTTP client. It has its own file because loading it takes a moment and most runs download nothing. It does not
 * use Node's own `fetch`, which ignores the variables that name a proxy.
 */
import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Agent, type Dispatcher, EnvHttpProxyAgent, interceptors, request } from 'undici';
import { proxySettings } from './proxy.ts';

export interface Answer {
  readonly status: number;
  /** Number of bytes to expect, if the server tells. */
  readonly total: number | undefined;
  /** Whether the server marks the end, by a length or by chunks. */
  readonly endKnown: boolean;
  /** Decoded content. Ends with an error if it is cut off. */
  readonly body: Readable;
}

export interface Connection {
  /** Follows redirects. Rejects only if there is no answer at all. */
  get(address: URL, signal: AbortSignal): Promise<Answer>;
  /** Ends all requests in progress. */
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
        // The length of encoded content could not be compared with the promised length.
        headers: { 'accept-encoding': 'identity' },
        // The client must never pause: if the server closes the connection during a pause, undici 6 throws an error
        // that nothing can catch (nodejs/undici#5360).
        highWaterMark: Number.MAX_SAFE_INTEGER,
      });
      const header = (name: string) => [headers[name] ?? ''].flat().join().toLowerCase();
      const decoder = DECODERS[header('content-encoding')];
      const content = decoder ? decoded(body, decoder()) : body;
      // Readers receive errors anyway. Without this listener, an error in an unread answer would end the process.
      content.on('error', () => {});
      const length = header('content-length');
      const total = /^\d+$/.test(length) ? Number(length) : undefined;
      return {
        status: statusCode,
        // The length counts the bytes that arrive, not the decoded ones.
        total: decoder ? undefined : total,
        endKnown: total !== undefined || header('transfer-encoding').includes('chunked'),
        body: content,
      };
    },
    // Idle connections would keep the process alive for a while. This does not wait: a name lookup can take long.
    close: () => void agent.destroy().catch(() => {}),
  };
}

function decoded(body: Readable, decoder: NodeJS.ReadWriteStream): Readable {
  // `pipeline` passes an error of either stream to the decoder, whose reader receives it.
  return pipeline(body, decoder, () => {}) as unknown as Readable;
}

/** undici 6 warns on stderr that this class is experimental; users of a proxy cannot act on that. */
function withoutWarnings<T>(make: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return make();
  } finally {
    process.emitWarning = emitWarning;
  }
}

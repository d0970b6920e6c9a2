/** The downloads, their addresses, and their paths in the cache. */
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { cacheFolder, type Environment } from './cache-folder.ts';

/** A kind of download: a zip of pictures, or a checkpoint. */
export type FetchKind = 'data' | 'weights';

/** The tutorial's pictures of ants and bees, and torchvision's ImageNet weights of resnet18. */
export const OFFICIAL_ADDRESSES: Readonly<Record<FetchKind, string>> = {
  data: 'https://download.pytorch.org/tutorial/hymenoptera_data.zip',
  weights: 'https://download.pytorch.org/models/resnet18-f37072fd.pth',
};

/** Variables that may name other addresses than the official ones. */
export const ADDRESS_VARIABLES: Readonly<Record<FetchKind, string>> = {
  data: 'DAWNGRAD_DATA_URL',
  weights: 'DAWNGRAD_WEIGHTS_URL',
};

/** Progress of a download. */
export interface FetchProgress {
  readonly address: string;
  /** Last part of the address. */
  readonly name: string;
  /** Bytes so far; 0 in the first report, when the answer has begun. */
  readonly received: number;
  /** Bytes in total, if the server tells. */
  readonly total: number | undefined;
}

/** Options of a download, each with a default. */
export interface FetchOptions {
  /** Default: the variable DAWNGRAD_DATA_URL or DAWNGRAD_WEIGHTS_URL, else the official address. */
  readonly address?: string | undefined;
  /** Cache folder; default `cacheFolder(env)`. */
  readonly cache?: string | undefined;
  /** Environment variables, including those of proxies; default `process.env`. */
  readonly env?: Environment | undefined;
  /** Aborting it ends the download, leaves nothing behind, and rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called with every piece that arrives. */
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
  /** Called with a sentence on a notable event that is no error, such as an incomplete file in the cache. */
  readonly onNote?: ((text: string) => void) | undefined;
  /** Milliseconds until an address that has not begun to answer counts as unreachable; default 8000. */
  readonly answerWithin?: number | undefined;
  /** Milliseconds without data after which a download fails; default 30,000. */
  readonly stallAfter?: number | undefined;
}

export interface Source {
  readonly kind: FetchKind;
  readonly address: URL;
  /** Last part of the address, with harmless characters only. */
  readonly name: string;
  /** Absolute path of the cache folder. */
  readonly cache: string;
  /** Path in the cache: a folder for data, a file for weights. */
  readonly path: string;
}

/** @throws UsageError if the address is invalid, naming the variable that holds it */
export function sourceOf(kind: FetchKind, options: FetchOptions): Source {
  const env = options.env ?? process.env;
  const fromVariable = env[ADDRESS_VARIABLES[kind]] || undefined;
  const text = options.address ?? fromVariable ?? OFFICIAL_ADDRESSES[kind];
  const address = parseAddress(options.address === undefined ? ADDRESS_VARIABLES[kind] : 'address', text);
  const name = nameOf(address);
  const cache = resolve(options.cache ?? cacheFolder(env));
  return { kind, address, name, cache, path: join(cache, cachedName(kind, address, name)) };
}

function parseAddress(shownAs: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new UsageError(`${shownAs}: expected an http or https address, found ${JSON.stringify(text)}`);
  }
  // Progress and errors would show it.
  if (url.username || url.password) throw new UsageError(`${shownAs}: must not hold a user name or a password`);
  return url;
}

function nameOf({ pathname }: URL): string {
  const last = pathname.split('/').findLast((part) => part !== '') ?? '';
  return last.replace(/%[0-9a-f]{2}|[^\w.-]/gi, '_').replace(/^\.+/, '') || 'download';
}

/**
 * The hash in a name, by torchvision's convention: the SHA-256 of `resnet18-f37072fd.pth` begins with f37072fd in
 * hexadecimal.
 */
export function hashInName(name: string): string | undefined {
  return /-([0-9a-f]{8,64})\.[^.]+$/.exec(name)?.[1];
}

/** Different addresses get different names, unless the name itself identifies the content. */
function cachedName(kind: FetchKind, address: URL, name: string): string {
  const kept = kind === 'data' ? name.replace(/\.zip$/i, '') : name;
  if (address.href === OFFICIAL_ADDRESSES[kind] || (kind === 'weights' && hashInName(name))) return kept;
  return `${createHash('sha256').update(address.href).digest('hex').slice(0, 8)}-${kept}`;
}

/** Path of a download in the cache, whether it exists or not. @throws UsageError as `sourceOf` */
export function cachePath(kind: FetchKind, options: FetchOptions = {}): string {
  return sourceOf(kind, options).path;
}

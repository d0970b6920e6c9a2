/** What can be downloaded, from which address, and where in the cache it lies. */
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { cacheFolder, type Environment } from './cache-folder.ts';

/** What is downloaded: a zip of pictures, or a checkpoint. */
export type FetchKind = 'data' | 'weights';

/** The tutorial's pictures of ants and bees, and torchvision's ImageNet weights of resnet18. */
export const OFFICIAL_ADDRESSES: Readonly<Record<FetchKind, string>> = {
  data: 'https://download.pytorch.org/tutorial/hymenoptera_data.zip',
  weights: 'https://download.pytorch.org/models/resnet18-f37072fd.pth',
};

/** Each may name another address than the official one. */
export const ADDRESS_VARIABLES: Readonly<Record<FetchKind, string>> = {
  data: 'DAWNGRAD_DATA_URL',
  weights: 'DAWNGRAD_WEIGHTS_URL',
};

/** How far a download is. */
export interface FetchProgress {
  readonly address: string;
  /** Last part of the address. */
  readonly name: string;
  /** Bytes so far; 0 once, when the answer has begun. */
  readonly received: number;
  /** Bytes in all, where the server tells. */
  readonly total: number | undefined;
}

/** How to download, each with a default that suits. */
export interface FetchOptions {
  /** Default: the variable DAWNGRAD_DATA_URL or DAWNGRAD_WEIGHTS_URL, else the official address. */
  readonly address?: string | undefined;
  /** Folder to keep it in; default `cacheFolder(env)`. */
  readonly cache?: string | undefined;
  /** Where variables are looked up, those of proxies included; default `process.env`. */
  readonly env?: Environment | undefined;
  /** Aborting it ends the download, leaves nothing behind, and rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told with every piece that arrives. */
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
  /** Told, in a sentence, of what is worth knowing and no error: something cached that is not whole, say. */
  readonly onNote?: ((text: string) => void) | undefined;
  /** Milliseconds until an address that has not begun to answer counts as unreachable; default 8000. */
  readonly answerWithin?: number | undefined;
  /** Milliseconds without a byte after which a download counts as broken off; default 30,000. */
  readonly stallAfter?: number | undefined;
}

export interface Source {
  readonly kind: FetchKind;
  readonly address: URL;
  /** Last part of the address, of harmless characters only. */
  readonly name: string;
  /** Absolute. */
  readonly cache: string;
  /** Where it lies in the cache: a folder for data, a file for weights. */
  readonly path: string;
}

/** @throws UsageError if the address is none, naming the variable it is from */
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
  // It would be shown, in progress and in errors.
  if (url.username || url.password) throw new UsageError(`${shownAs}: must not hold a user name or a password`);
  return url;
}

function nameOf({ pathname }: URL): string {
  const last = pathname.split('/').findLast((part) => part !== '') ?? '';
  return last.replace(/%[0-9a-f]{2}|[^\w.-]/gi, '_').replace(/^\.+/, '') || 'download';
}

/**
 * What the name promises, by torchvision's convention: `resnet18-f37072fd.pth` begins, in hexadecimal, with f37072fd when
 * its SHA-256 is taken.
 */
export function hashInName(name: string): string | undefined {
  return /-([0-9a-f]{8,64})\.[^.]+$/.exec(name)?.[1];
}

/** Two addresses get two names, unless the name itself says what is in it. */
function cachedName(kind: FetchKind, address: URL, name: string): string {
  const kept = kind === 'data' ? name.replace(/\.zip$/i, '') : name;
  if (address.href === OFFICIAL_ADDRESSES[kind] || (kind === 'weights' && hashInName(name))) return kept;
  return `${createHash('sha256').update(address.href).digest('hex').slice(0, 8)}-${kept}`;
}

/** Where a download lies in the cache, or would. @throws UsageError as `sourceOf` */
export function cachePath(kind: FetchKind, options: FetchOptions = {}): string {
  return sourceOf(kind, options).path;
}

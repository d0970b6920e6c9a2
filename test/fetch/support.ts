/** What the tests of downloads share: a server on loopback, and zips and weights to serve. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { strToU8, type Zippable, zipSync } from 'fflate';
import { afterAll, beforeEach, expect } from 'vitest';
import { type FetchOptions, tutorialData, tutorialWeights } from '../../src/fetch/index.ts';
import { drawPictures, temporaryFolder } from '../train/support.ts';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

export interface TestServer {
  /** Without a slash at its end. */
  readonly origin: string;
  /** What is answered where, by path; 404 elsewhere. */
  readonly answers: Map<string, Answer>;
  /** Paths that were asked for. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** Closed after the file's last test. */
export async function serve(): Promise<TestServer> {
  const answers = new Map<string, Answer>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const answer = answers.get(path);
    if (answer) answer(response, request);
    else response.writeHead(404).end('nothing here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  afterAll(close);
  return { origin: `http://127.0.0.1:${port}`, answers, asked, close };
}

/** All of it, with its length. */
export const whole =
  (body: Uint8Array): Answer =>
  (response) => {
    response.writeHead(200, { 'content-length': body.byteLength }).end(body);
  };

/** The length of all of it, and half of it. */
export const halfway =
  (body: Uint8Array): Answer =>
  (response) => {
    response.writeHead(200, { 'content-length': body.byteLength });
    response.write(body.subarray(0, body.byteLength >> 1), () => response.destroy());
  };

/** Half of it, then silence. */
export const stalling =
  (body: Uint8Array): Answer =>
  (response) => {
    response.writeHead(200, { 'content-length': body.byteLength });
    response.write(body.subarray(0, body.byteLength >> 1));
  };

/** A port of loopback where nothing listens. */
export async function closedOrigin(): Promise<string> {
  const server = await serve();
  await server.close();
  return server.origin;
}

/** A folder as a zip whose entries begin with `prefix`; `more` adds entries of its own. */
export function zipFolder(folder: string, prefix: string, more: Zippable = {}): Uint8Array {
  const files = filesBelow(folder).map((path) => [`${prefix}${path}`, readFileSync(join(folder, path))] as const);
  return zipSync({ ...Object.fromEntries(files), ...more }, { level: 0 });
}

/** Paths of all files below, sorted, with "/". */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .map((path) => path.slice(folder.length + 1).replaceAll('\\', '/'))
    .sort();
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What the tests are about: pictures and weights on a server, and an empty cache for each test. */
export async function makeScene() {
  const root = temporaryFolder();
  const pictures = await drawPictures(join(root, 'pictures'));
  const beside = { 'README.txt': strToU8('beside'), '__MACOSX/insects/._x.png': strToU8('x') };
  const zip = zipFolder(pictures, 'insects/', beside);
  const weights = new Uint8Array(500_000).map((_, i) => (i * i) % 251);
  const hash = sha256(weights).slice(0, 8);
  const weightsName = `resnet18-${hash}.pth`;
  const server = await serve();
  const scene = {
    root,
    pictures,
    zip,
    weights,
    hash,
    weightsName,
    server,
    /** Of the test that is running. */
    cache: '',
    fetchData: (options: FetchOptions = {}) =>
      tutorialData({ cache: scene.cache, env: {}, address: `${server.origin}/pictures.zip`, ...options }),
    fetchWeights: (options: FetchOptions = {}) =>
      tutorialWeights({ cache: scene.cache, env: {}, address: `${server.origin}/${weightsName}`, ...options }),
    /** Why it failed; the cache must be empty then. */
    failure: async (promise: Promise<unknown>): Promise<Error> => {
      const error = await promise.then(
        (value) => new Error(`did not fail, and gave ${value}`),
        (reason: unknown) => reason as Error,
      );
      expect(readdirSync(scene.cache)).toEqual([]);
      return error;
    },
  };
  beforeEach(() => {
    scene.cache = mkdtempSync(join(root, 'cache-'));
    server.answers.clear();
    server.asked.length = 0;
    server.answers.set('/pictures.zip', whole(zip));
    server.answers.set(`/${weightsName}`, whole(weights));
  });
  return scene;
}

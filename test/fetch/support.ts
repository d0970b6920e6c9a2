/** Shared by the tests of downloads: pictures and weights on a server, and an empty cache for each test. */
import { mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { strToU8 } from 'fflate';
import { afterAll, beforeEach, expect } from 'vitest';
import { type FetchOptions, tutorialData, tutorialWeights } from '../../src/fetch/index.ts';
import { sha256, startServer, type TestServer, whole, zipFolder } from '../support/server.ts';
import { drawPictures, temporaryFolder } from '../train/support.ts';

/** Starts a server that is closed after the file's last test. */
export async function serve(): Promise<TestServer> {
  const server = await startServer();
  afterAll(() => server.close());
  return server;
}

/** An origin on loopback where nothing listens. */
export async function closedOrigin(): Promise<string> {
  const server = await startServer();
  await server.close();
  return server.origin;
}

/** The pictures and weights, their server, and calls that fetch them. */
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
    /** The cache folder of the running test. */
    cache: '',
    fetchData: (options: FetchOptions = {}) =>
      tutorialData({ cache: scene.cache, env: {}, address: `${server.origin}/pictures.zip`, ...options }),
    fetchWeights: (options: FetchOptions = {}) =>
      tutorialWeights({ cache: scene.cache, env: {}, address: `${server.origin}/${weightsName}`, ...options }),
    /** The error of a failed call, after which the cache must be empty. */
    failure: async (promise: Promise<unknown>): Promise<Error> => {
      const error = await promise.then(
        (value) => new Error(`expected a failure, found ${value}`),
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

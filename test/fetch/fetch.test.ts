/** Downloads from a server on loopback: complete ones are kept, and others leave no trace. */
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { strToU8 } from 'fflate';
import { afterAll, describe, expect, test } from 'vitest';
import { openConnection } from '../../src/fetch/connection.ts';
import {
  DownloadError,
  type FetchProgress,
  tutorialData,
  tutorialWeights,
  UnreachableError,
} from '../../src/fetch/index.ts';
import { filesBelow, halfway, sha256, stalling, whole, zipFolder } from '../support/server.ts';
import { drawPictures } from '../train/support.ts';
import { closedOrigin, makeScene } from './support.ts';

const scene = await makeScene();
const { pictures, zip, weights, hash, weightsName, server, fetchData, fetchWeights, failure } = scene;

describe('complete downloads', () => {
  test('a zip is unpacked without files beside train/ and val/; the next call does not ask the server', async () => {
    const progress: FetchProgress[] = [];
    const path = await fetchData({ onProgress: (one) => progress.push(one) });
    expect(filesBelow(path)).toEqual(['.dawngrad.json', ...filesBelow(pictures)]);
    for (const file of filesBelow(pictures)) {
      expect(readFileSync(join(path, file)).equals(readFileSync(join(pictures, file)))).toBe(true);
    }
    expect(readdirSync(scene.cache).map((name) => join(scene.cache, name))).toEqual([path]);
    expect(progress[0]).toEqual({
      address: `${server.origin}/pictures.zip`,
      name: 'pictures.zip',
      received: 0,
      total: zip.byteLength,
    });
    expect(progress.at(-1)).toMatchObject({ received: zip.byteLength });
    expect(await fetchData()).toBe(path);
    expect(server.asked).toEqual(['/pictures.zip']);
  });

  test('train/ and val/ may be at the top of the zip', async () => {
    server.answers.set('/pictures.zip', whole(zipFolder(pictures, '')));
    expect(filesBelow(await fetchData())).toEqual(['.dawngrad.json', ...filesBelow(pictures)]);
  });

  test('weights are kept under their name; the next call does not ask the server', async () => {
    const path = await fetchWeights();
    expect(path).toBe(join(scene.cache, weightsName));
    expect(readFileSync(path).equals(weights)).toBe(true);
    expect(readdirSync(scene.cache)).toEqual([weightsName]);
    expect(await fetchWeights({ address: 'http://127.0.0.1:1/elsewhere/'.concat(weightsName) })).toBe(path);
    expect(server.asked).toHaveLength(1);
  });

  test('weights without a hash in their name give a note that they are unchecked, and their hash is kept', async () => {
    server.answers.set('/mine.pth', whole(weights));
    const notes: string[] = [];
    const options = { address: `${server.origin}/mine.pth`, onNote: (note: string) => notes.push(note) };
    const path = await fetchWeights(options);
    expect(notes).toEqual([expect.stringMatching(/^mine\.pth has no hash in its name .* could not be checked\.$/)]);
    expect(readFileSync(`${path}.sha256`, 'utf8')).toBe(`${sha256(weights)}  mine.pth\n`);
    expect(await fetchWeights(options)).toBe(path);
    expect(server.asked).toHaveLength(1);
    appendFileSync(path, 'x');
    await fetchWeights(options);
    expect(notes[1]).toMatch(/is damaged: its SHA-256 should begin with .* downloaded again\.$/);
    expect(readFileSync(path).equals(weights)).toBe(true);
  });

  test('files that the user put into the cache are used', async () => {
    writeFileSync(join(scene.cache, weightsName), weights);
    await drawPictures(join(scene.cache, 'hymenoptera_data'));
    expect(await fetchWeights()).toBe(join(scene.cache, weightsName));
    expect(await tutorialData({ cache: scene.cache, env: {} })).toBe(join(scene.cache, 'hymenoptera_data'));
    expect(server.asked).toEqual([]);
  });

  test('through redirects, chunks and compression', async () => {
    server.answers.set('/moved', (response) => response.writeHead(302, { location: `/chunked` }).end());
    server.answers.set('/chunked', (response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      const body = gzipSync(zip);
      response.write(body.subarray(0, 1000));
      response.end(body.subarray(1000));
    });
    expect(filesBelow(await fetchData({ address: `${server.origin}/moved` }))).toContain('train/discs/0.png');
  });

  test('compressed, with the compressed length', async () => {
    const body = gzipSync(zip);
    server.answers.set('/pictures.zip', (response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.byteLength }).end(body);
    });
    expect(filesBelow(await fetchData())).toContain('train/discs/0.png');
  });

  test('slowly, as long as data keeps arriving', async () => {
    server.answers.set('/pictures.zip', (response) => {
      response.writeHead(200, { 'content-length': zip.byteLength });
      const part = Math.ceil(zip.byteLength / 6);
      const send = (from: number) => {
        response.write(zip.subarray(from, from + part));
        if (from + part < zip.byteLength) setTimeout(() => send(from + part), 200);
      };
      send(0);
    });
    expect(existsSync(await fetchData({ stallAfter: 600 }))).toBe(true);
  });

  test('from a server that closes the connection before anything is read', async () => {
    // As much as undici would buffer before it makes the server wait.
    const body = new Uint8Array(65_536).fill(7);
    server.answers.set('/closing', (response) => {
      const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.byteLength}\r\nConnection: close\r\n\r\n`;
      response.socket!.write(head);
      response.socket!.end(body);
    });
    const connection = openConnection({});
    const answer = await connection.get(new URL(`${server.origin}/closing`), new AbortController().signal);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await buffer(answer.body)).equals(body)).toBe(true);
    connection.close();
  });

  test('a zip that contains a list from a cache', async () => {
    server.answers.set('/pictures.zip', whole(zipFolder(pictures, 'a/', { 'a/.dawngrad.json': strToU8('{"x":1}') })));
    await fetchData();
    await fetchData();
    expect(server.asked).toHaveLength(1);
  });

  test('the variables name the cache and the address', async () => {
    const env = {
      DAWNGRAD_CACHE: join(scene.cache, 'not', 'yet'),
      DAWNGRAD_WEIGHTS_URL: `${server.origin}/${weightsName}`,
    };
    expect(await tutorialWeights({ env })).toBe(join(scene.cache, 'not', 'yet', weightsName));
  });

  test('through the proxy that a variable names, unless NO_PROXY exempts the host', async () => {
    const { proxy, tunnels } = await startProxy();
    const env = { HTTP_PROXY: proxy };
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    await fetchWeights({ env });
    expect(tunnels).toEqual([new URL(server.origin).host]);
    await fetchData({ env: { ...env, NO_PROXY: '127.0.0.1' } });
    expect(tunnels).toHaveLength(1);
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });
});

describe('broken downloads are errors, and the cache stays empty', () => {
  test.each([
    ['data', fetchData, () => server.answers.set('/pictures.zip', halfway(zip))],
    ['weights', fetchWeights, () => server.answers.set(`/${weightsName}`, halfway(weights))],
  ] as const)('%s cut off half-way; the next call succeeds', async (_, fetchIt, breakIt) => {
    const good = new Map(server.answers);
    breakIt();
    const error = await failure(fetchIt());
    expect(error).toBeInstanceOf(DownloadError);
    expect(error.message).toMatch(
      /^http:.*: the download was cut off after \d+ of \d+ bytes: .* \(.*\)\. Nothing was kept\. Try again/,
    );
    for (const [path, answer] of good) server.answers.set(path, answer);
    expect(existsSync(await fetchIt())).toBe(true);
  });

  test('a length that is too large, or too small', async () => {
    server.answers.set(`/${weightsName}`, (response) => {
      response.writeHead(200, { 'content-length': weights.byteLength + 1, connection: 'close' });
      response.write(weights, () => response.destroy());
    });
    expect((await failure(fetchWeights())).message).toMatch(/cut off after 500000 of 500001 bytes/);
    server.answers.set(`/${weightsName}`, (response) => {
      response.socket!.end(
        Buffer.concat([strToU8(`HTTP/1.1 200 OK\r\nContent-Length: ${weights.byteLength - 1}\r\n\r\n`), weights]),
      );
    });
    expect(await failure(fetchWeights())).toBeInstanceOf(DownloadError);
    server.answers.set('/pictures.zip', (response) => {
      response.socket!.end(Buffer.concat([strToU8('HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n'), zip]));
    });
    expect(await failure(fetchData())).toBeInstanceOf(DownloadError);
  });

  test('cut off without a length: the zip or the hash shows it, and without both the download is refused', async () => {
    const untold = (body: Uint8Array) => (response: { socket: { end(bytes: Uint8Array): unknown } | null }) =>
      response.socket!.end(Buffer.concat([strToU8('HTTP/1.1 200 OK\r\n\r\n'), body]));
    server.answers.set('/pictures.zip', untold(zip.subarray(0, zip.byteLength >> 1)));
    expect((await failure(fetchData())).message).toMatch(/the zip is not a complete zip archive/);
    server.answers.set(`/${weightsName}`, untold(weights.subarray(0, 9000)));
    expect((await failure(fetchWeights())).message).toMatch(/its SHA-256 should begin with/);
    server.answers.set('/mine.pth', untold(weights.subarray(0, 9000)));
    const address = `${server.origin}/mine.pth`;
    expect((await failure(fetchWeights({ address }))).message).toMatch(/so it may be incomplete/);
  });

  test('an answer without content', async () => {
    server.answers.set('/mine.pth', whole(new Uint8Array()));
    const error = await failure(fetchWeights({ address: `${server.origin}/mine.pth` }));
    expect(error.message).toMatch(/mine\.pth: the answer ended after 0 of 0 bytes/);
  });

  test('weights with another hash than in their name', async () => {
    server.answers.set('/resnet18-0123abcd.pth', whole(weights));
    const error = await failure(fetchWeights({ address: `${server.origin}/resnet18-0123abcd.pth` }));
    expect(error).toBeInstanceOf(DownloadError);
    expect(error.message).toContain(
      `its SHA-256 should begin with 0123abcd, as its name says, but begins with ${hash}.`,
    );
    expect(error.message).toContain('DAWNGRAD_WEIGHTS_URL');
  });

  test.each([
    ['../ in a name', { '../evil.txt': strToU8('x') }, /an entry that would leave the folder/],
    ['an absolute name', { '/tmp/evil.txt': strToU8('x') }, /an entry that would leave the folder/],
    [
      'a symbolic link',
      { 'insects/train/link': [strToU8('/'), { os: 3, attrs: 0o120777 * 2 ** 16 }] as [Uint8Array, object] },
      /an entry that is a symbolic link/,
    ],
    ['two candidates', { 'more/train/a.txt': strToU8('x'), 'more/val/a.txt': strToU8('x') }, /holds 2: found/],
  ])('a zip with %s', async (_, more, message) => {
    server.answers.set('/pictures.zip', whole(zipFolder(pictures, 'insects/', more)));
    const error = await failure(fetchData());
    expect(error).toBeInstanceOf(DownloadError);
    expect(error.message).toMatch(message);
    expect(existsSync(join(scene.cache, '..', 'evil.txt'))).toBe(false);
  });

  test('a zip without train/ and val/, and a page in place of a zip', async () => {
    server.answers.set('/pictures.zip', whole(zipFolder(join(pictures, 'train'), 'train/')));
    expect((await failure(fetchData())).message).toMatch(
      /one folder with train\/ and val\/ in it, but holds 0: found train/,
    );
    server.answers.set('/pictures.zip', whole(strToU8('<html>Sign in to the network</html>')));
    expect((await failure(fetchData())).message).toMatch(
      /^http:.*pictures\.zip: the zip is not a complete zip archive/,
    );
  });

  test('a server that stops sending', async () => {
    server.answers.set('/pictures.zip', stalling(zip));
    const error = await failure(fetchData({ stallAfter: 300 }));
    expect(error).toBeInstanceOf(DownloadError);
    expect(error.message).toMatch(/no data arrived for 0\.3 seconds after \d+ of \d+ bytes/);
  });
});

describe('unreachable addresses are errors of their own type, and the cache stays empty', () => {
  test('an error status', async () => {
    server.answers.delete(`/${weightsName}`);
    const error = await failure(fetchWeights());
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error.message).toMatch(/^http:.*: cannot be reached: the server answered with status 404 Not Found\. /);
    expect(error.message).toContain(`put it at ${join(scene.cache, weightsName)}, or set DAWNGRAD_WEIGHTS_URL`);
  });

  test('an error status with an endless page', async () => {
    server.answers.set(`/${weightsName}`, (response) => {
      response.writeHead(503);
      const timer = setInterval(() => response.write('sorry '.repeat(20_000)), 5);
      response.on('close', () => clearInterval(timer));
    });
    expect(await failure(fetchWeights())).toMatchObject({
      reason: 'the server answered with status 503 Service Unavailable',
    });
  });

  test('a port without a listener, and an unknown host name', async () => {
    const refused = await failure(fetchData({ address: `${await closedOrigin()}/pictures.zip` }));
    expect(refused).toBeInstanceOf(UnreachableError);
    expect((refused as UnreachableError).reason).toBe('the connection was refused (ECONNREFUSED)');
    const unknown = await failure(fetchData({ address: 'http://no-such-host.invalid/pictures.zip' }));
    expect(unknown).toBeInstanceOf(UnreachableError);
    expect((unknown as UnreachableError).reason).toMatch(/host name .* \(no-such-host\.invalid, E\w+\)/);
  });

  test('no answer in time, and a connection that is closed without one', async () => {
    server.answers.set('/pictures.zip', () => {});
    const late = await failure(fetchData({ answerWithin: 300 }));
    expect(late).toBeInstanceOf(UnreachableError);
    expect((late as UnreachableError).reason).toBe('no answer within 0.3 seconds');
    server.answers.set('/pictures.zip', (response) => response.destroy());
    expect(await failure(fetchData())).toBeInstanceOf(UnreachableError);
  });

  test('a connection that is never established', async () => {
    // The client waits for a tunnel and ignores everything else meanwhile.
    const { proxy } = await startProxy({ silent: true });
    const error = await failure(fetchData({ answerWithin: 300, env: { http_proxy: proxy } }));
    expect((error as UnreachableError).reason).toBe('no answer within 0.3 seconds (http_proxy is set)');
  });

  test('a missing proxy is named', async () => {
    const error = await failure(fetchData({ env: { http_proxy: await closedOrigin() } }));
    expect(error).toBeInstanceOf(UnreachableError);
    expect((error as UnreachableError).reason).toMatch(/ECONNREFUSED\) \(http_proxy is set\)$/);
  });
});

/** A proxy as undici uses it: a tunnel for every host. */
async function startProxy({ silent = false } = {}): Promise<{ proxy: string; tunnels: string[] }> {
  const tunnels: string[] = [];
  const proxy: Server = createServer();
  proxy.on('connect', (request, socket) => {
    tunnels.push(request.url!);
    if (silent) return;
    const { hostname: host, port } = new URL(`http://${request.url}`);
    const target = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  afterAll(() => void proxy.close());
  return { proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, tunnels };
}

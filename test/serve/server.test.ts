/** A server's answers: those of predict, refusals with their reasons, limits, metrics, a graceful end. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import { afterAll, expect, test } from 'vitest';
import { openPredictor, type Predictor } from '../../src/predict/index.ts';
import { type ServeOptions, type Serving, serve } from '../../src/serve/index.ts';
import { clientOf } from '../../src/serve/rate.ts';
import { drawPicture, randomState, SIZE, temporaryFolder, writeNet } from '../predict/support.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();
const root = temporaryFolder();
const names = ['ants', '<b>bees</b>', 'wasps'];
const picture = readFileSync(await drawPicture(join(root, 'a.png'), 1));
const other = readFileSync(await drawPicture(join(root, 'b.png'), 2));

let predictor: Predictor | undefined;
afterAll(() => predictor?.close());

async function opened(): Promise<Predictor> {
  const metadata = { imageSize: String(SIZE), classes: JSON.stringify(names) };
  const weights = () => writeNet(join(root, 'net.safetensors'), randomState(gpu, 3), metadata);
  predictor ??= await openPredictor(weights(), { gpu, threads: 1, startThreads: true, maxPixels: 10_000 });
  return predictor;
}

/** Runs a server during `use`. */
async function serving(options: ServeOptions, use: (server: Serving) => Promise<void>, batchSize = 4): Promise<void> {
  const server = await serve(await opened(), batchSize, { port: 0, ...options });
  try {
    await use(server);
  } finally {
    await server.close();
  }
}

const ask = (server: Serving, body: NonNullable<RequestInit['body']>, type?: string, path = '/predict') =>
  fetch(`${server.address}${path}`, { method: 'POST', body, ...(type && { headers: { 'Content-Type': type } }) });

const form = (...files: (Uint8Array<ArrayBuffer> | string)[]) => {
  const data = new FormData();
  for (const [i, file] of files.entries()) data.append('picture', new File([file], `${i}.png`));
  return data;
};

/** Sends bytes as they are, and gives all that comes back. */
function sendRaw(server: Serving, text: string): Promise<string> {
  const socket = connect(Number(new URL(server.address).port), '127.0.0.1');
  let answer = '';
  socket.on('data', (bytes) => {
    answer += bytes;
  });
  socket.end(text);
  return new Promise((resolve, reject) => {
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

gpuTest('what makes no request has its reason as JSON too', async () => {
  await serving({}, async (server) => {
    const cases: [string, RegExp, RegExp][] = [
      [
        'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n',
        /^HTTP\/1\.1 400 /,
        /no HTTP request that can be read/,
      ],
      ['what?\r\n\r\n', /^HTTP\/1\.1 400 /, /no HTTP request that can be read/],
      [`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /, /head of the request is too large/],
    ];
    for (const [text, status, message] of cases) {
      const answer = await sendRaw(server, text);
      expect(answer).toMatch(status);
      expect((JSON.parse(answer.slice(answer.indexOf('{'))) as { error: string }).error).toMatch(message);
    }
  });
});

gpuTest('a request that does not arrive in time is told so, and ends', async () => {
  await serving({ timeout: 1 }, async (server) => {
    const socket = connect(Number(new URL(server.address).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (bytes) => {
      answer += bytes;
    });
    socket.write(
      'POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\nfirst',
    );
    await new Promise((resolve) => socket.on('close', resolve));
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toEqual({
      error: 'The request did not arrive in time. Try again.',
    });
  });
});

gpuTest('a picture is answered as predict answers it, and a form with a list', async () => {
  const [a] = await (await opened()).predict([new Uint8Array(picture)], { top: 3 });
  await serving({}, async (server) => {
    expect(server.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const one = await ask(server, picture, 'image/png');
    expect(one.status).toBe(200);
    expect(await one.json()).toEqual({ path: 'picture', top: a!.top });
    const first = await ask(server, picture, 'application/octet-stream', '/predict?top=1');
    expect(await first.json()).toEqual({ path: 'picture', top: a!.top.slice(0, 1) });

    const several = await ask(server, form(picture, 'no picture', other));
    expect(several.status).toBe(200);
    const { pictures } = (await several.json()) as { pictures: { path: string; top?: object[]; error?: string }[] };
    expect(pictures.map(({ path, top }) => [path, top?.length])).toEqual([
      ['0.png', 3],
      ['1.png', undefined],
      ['2.png', 3],
    ]);
    expect(pictures[1]!.error).toMatch(/^1\.png: this is not a picture in a known format/);
    expect((await ask(server, form('no picture'))).status).toBe(415);
  });
});

gpuTest('what cannot be answered is refused with its reason and without paths of this machine', async () => {
  const large = Buffer.from('P6 200 200 255\n'.concat('x'.repeat(120_000)));
  await serving({ maxBytes: 200_000, maxFiles: 2 }, async (server) => {
    const cases: [number, RegExp, Promise<Response>][] = [
      [415, /^picture: this is not a picture in a known format/, ask(server, 'no picture', 'image/png')],
      [400, /^picture: .*(damaged|cannot be decoded|end)/, ask(server, picture.subarray(0, 60), 'image/png')],
      [413, /^picture: 200×200 pixels are more than the limit of 10000/, ask(server, large, 'image/x-portable-pixmap')],
      [
        413,
        /more than 200000|has \d+ bytes; expected at most 200000/,
        ask(server, Buffer.alloc(5_000_000), 'image/png'),
      ],
      [415, /^Content-Type: expected image/, ask(server, '{}', 'application/json')],
      [400, /^The form cannot be read/, ask(server, 'abc', 'multipart/form-data; boundary=x')],
      [400, /^The form has no file/, ask(server, form())],
      [413, /^The form has 3 files; expected at most 2/, ask(server, form(picture, picture, picture))],
      [400, /^top: expected a whole number/, ask(server, picture, 'image/png', '/predict?top=all')],
      [405, /^Send pictures with POST/, fetch(`${server.address}/predict`)],
      [405, /^Ask with GET; pictures go to \/predict/, ask(server, picture, 'image/png', '/')],
      [405, /^Ask with GET/, fetch(`${server.address}/healthz`, { method: 'DELETE' })],
      [405, /^Ask with GET/, fetch(`${server.address}/`, { method: 'OPTIONS' })],
      [400, /^The body is empty/, fetch(`${server.address}/predict`, { method: 'POST' })],
      [400, /^The body is empty/, ask(server, '', 'image/png')],
      [400, /with its boundary, found none/, ask(server, 'abc', 'multipart/form-data')],
      [404, /^There is nothing here/, fetch(`${server.address}/../etc/passwd`)],
    ];
    for (const [status, message, asked] of cases) {
      const answer = await asked;
      const text = ((await answer.json()) as { error: string }).error;
      expect([answer.status, text]).toEqual([status, expect.stringMatching(message)]);
      expect(text).not.toContain(root);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
    // The server goes on.
    expect((await ask(server, picture, 'image/png')).status).toBe(200);
  });
});

gpuTest('requests of other sites and under other names are refused', async () => {
  await serving({}, async (server) => {
    const { port } = new URL(server.address);
    const statusOf = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve) => {
        const sent = request({ port, method: 'POST', path: '/predict', headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        sent.end(picture);
      });
    const type = { 'Content-Type': 'image/png' };
    expect(await statusOf(type)).toBe(200);
    expect(await statusOf({ ...type, Host: 'evil.example' })).toBe(421);
    expect(await statusOf({ ...type, 'Sec-Fetch-Site': 'cross-site' })).toBe(403);
    expect(await statusOf({ ...type, 'Sec-Fetch-Site': 'same-origin' })).toBe(200);
  });
});

gpuTest('a client that asks too often, and one too many at once, is told when to try again', async () => {
  await serving({ rate: 3 }, async (server) => {
    expect((await ask(server, form(picture, picture, picture))).status).toBe(200);
    const refused = await ask(server, picture, 'image/png');
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
  });
  await serving({ queue: 1 }, async (server) => {
    // The first holds the only place, as its body has not ended.
    const socket = connect(Number(new URL(server.address).port), '127.0.0.1');
    socket.write(
      'POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 9\r\n\r\nabc',
    );
    await expect
      .poll(async () => (await (await fetch(`${server.address}/metrics`)).text()).match(/in_progress (\d)/)?.[1])
      .toBe('1');
    const refused = await ask(server, picture, 'image/png');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    socket.destroy();
    await expect.poll(async () => (await ask(server, picture, 'image/png')).status).toBe(200);
  });
});

gpuTest('metrics count requests, pictures and batches; the health route answers', async () => {
  await serving({}, async (server) => {
    await Promise.all(Array.from({ length: 6 }, () => ask(server, picture, 'image/png')));
    await ask(server, 'no picture', 'image/png');
    expect(await (await fetch(`${server.address}/healthz`)).json()).toEqual({
      status: 'ok',
      classes: 3,
      imageSize: SIZE,
    });
    const answer = await fetch(`${server.address}/metrics`);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await answer.text();
    expect(text).toContain('dawngrad_requests_total{route="/predict",status="200"} 6\n');
    expect(text).toContain('dawngrad_requests_total{route="/predict",status="415"} 1\n');
    expect(text).toContain('dawngrad_pictures_total{result="predicted"} 6\n');
    expect(text).toMatch(/^dawngrad_request_seconds_bucket\{le="0\.005",route="\/predict"\} \d+$/m);
    expect(text).toMatch(/^dawngrad_batch_pictures_sum 7$/m);
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
  });
});

gpuTest('the end answers what was accepted, and refuses what comes then', async () => {
  const server = await serve(await opened(), 2, { port: 0 });
  const under = Array.from({ length: 8 }, () => ask(server, picture, 'image/png'));
  await expect
    .poll(
      async () =>
        (await (await fetch(`${server.address}/metrics`)).text()).match(/dawngrad_batch_pictures_count (\d)/)?.[1],
    )
    .toMatch(/[1-9]/);
  const closed = server.close();
  const statuses = (await Promise.all(under)).map(({ status }) => status);
  expect(statuses).toEqual(Array(8).fill(200));
  await closed;
  await expect(ask(server, picture, 'image/png')).rejects.toThrow();
});

gpuTest('the page is one file that runs nothing but its own script, and works without it', async () => {
  await serving({}, async (server) => {
    const answer = await fetch(server.address);
    const html = await answer.text();
    const policy = answer.headers.get('content-security-policy')!;
    const { document } = parseHTML(html);
    for (const [tag, directive] of [
      ['script', 'script-src'],
      ['style', 'style-src'],
    ] as const) {
      const text = html.split(`<${tag}>`)[1]!.split(`</${tag}>`)[0]!;
      const hash = createHash('sha256').update(text).digest('base64');
      expect(policy).toContain(`${directive} 'sha256-${hash}'`);
      expect(document.querySelectorAll(tag)).toHaveLength(1);
    }
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(html).not.toMatch(/https?:|\son\w+=/);
    expect(html).toContain('ants, &#60;b&#62;bees');
    const sent = document.querySelector('form')!;
    expect([sent.getAttribute('method'), sent.getAttribute('action'), sent.getAttribute('enctype')]).toEqual([
      ...['post', '/predict', 'multipart/form-data'],
    ]);
    expect(document.querySelector('label')!.getAttribute('for')).toBe(document.querySelector('input')!.id);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('strict-transport-security')).toBeNull();
  });
});

gpuTest('a port in use is an error that says so', async () => {
  await serving({}, async (server) => {
    const port = Number(new URL(server.address).port);
    await expect(serve(await opened(), 1, { port })).rejects.toThrow(/port \d+ is in use\. Give another with --port/);
  });
});

test('a client is an address, or a /64 of IPv6', () => {
  expect(clientOf('::ffff:10.1.2.3')).toBe('10.1.2.3');
  expect(clientOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2');
  expect(clientOf('2001:db8::6')).toBe('2001:db8:0:0');
  expect(clientOf('fe80::1%eth0')).toBe('fe80:0:0:0');
});

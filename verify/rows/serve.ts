/**
 * `npm run serve` under load: requests of all kinds, many at a time, with broken, huge and cut-off bodies among them.
 * Each gets its answer, those of pictures are what `npm run predict` prints, and memory stays flat.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openGpu } from '../../src/gpu/dawn.ts';
import type { Ranking } from '../../src/predict/index.ts';
import { drawPicture, randomState, writeNet } from '../../test/predict/support.ts';
import { ROOT, runCommand } from '../processes.ts';
import { all, atMost, type Context, either, type Outcome, type Row, scientific, times } from '../row.ts';

/** The network's input. Larger ones only take longer. */
const SIZE = 32;
const AT_ONCE = 40;
const DRAWN = 12;
const MAX_BYTES = 1_000_000;
/** Growth of the resident memory from the first third of the requests on. */
const GROWTH = 1.15;
/** A picture's place in a batch changes its last digits: sums are taken in another order. */
const PROBABILITY = 1e-5;

/** A kind of request, and the status that it must get. */
interface Kind {
  readonly what: string;
  readonly status: number;
  readonly type: string;
  readonly body: (i: number) => Buffer;
  /** The pictures' files, if they are answered. */
  readonly pictures?: (i: number) => readonly number[];
}

interface Answered {
  readonly kind: Kind;
  readonly i: number;
  readonly status: number | string;
  readonly body: string;
}

export const serveRow: Row = {
  name: 'serve',
  title: 'the serve command: 1,000 requests, 40 at a time, broken, huge and cut-off bodies among them',
  minutes: 1,
  ci: true,
  alone: true,
  run: async (context) => {
    const requests = context.ci ? 400 : 1000;
    const paths = await drawPictures(context);
    const weights = await makeNet(context);
    const expected = await predicted(weights, paths);
    const server = await start(weights);
    try {
      const kinds = kindsOf(paths.map((path) => readFileSync(path)));
      await load(server, kinds, requests / 4);
      const before = await residentBytes(server);
      const answers = await load(server, kinds, requests);
      const after = await residentBytes(server);
      const metrics = await get(server, '/metrics');
      const ending = await end(server, kinds[0]!);
      return [
        ...judge(answers, expected),
        counted(metrics, requests + requests / 4),
        atMost(
          `resident memory after ${requests} requests, against after the first ${requests / 4}`,
          after / before,
          GROWTH,
          times,
        ),
        ...ending,
      ];
    } finally {
      server.child.kill('SIGKILL');
    }
  },
};

function drawPictures({ scratch }: Context): Promise<string[]> {
  return Promise.all(Array.from({ length: DRAWN }, (_, i) => drawPicture(join(scratch, `${i}.png`), i + 1)));
}

async function makeNet({ scratch }: Context): Promise<string> {
  const gpu = await openGpu();
  try {
    return writeNet(join(scratch, 'net.safetensors'), randomState(gpu, 6), { imageSize: `${SIZE}` });
  } finally {
    gpu.close();
  }
}

/** What `predict` prints of each file. */
async function predicted(weights: string, paths: readonly string[]): Promise<Ranking[]> {
  const { stdout } = await runCommand('predict', ['--weights', weights, '--json', ...paths]);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { top: Ranking }).top);
}

interface Started {
  readonly child: ReturnType<typeof spawn>;
  readonly port: number;
  readonly ended: Promise<number | string>;
}

async function start(weights: string): Promise<Started> {
  const flags = ['--weights', weights, '--port', '0', '--rate', '0', '--max-bytes', `${MAX_BYTES}`, '--timeout', '60'];
  const script = join(ROOT, 'src/cli/serve.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (status, signal) => resolve(status ?? signal ?? 'no status'));
  });
  const lines = createInterface(child.stdout!);
  const [line] = (await Promise.race([
    new Promise<string[]>((resolve) => lines.once('line', (text) => resolve([text]))),
    ended.then((status) => [`ended with ${status}`]),
  ])) as string[];
  const port = Number(/:(\d+) /.exec(line!)?.[1]);
  if (!port) throw new Error(`serve: expected its address, found ${line}`);
  return { child, port, ended };
}

function kindsOf(files: readonly Buffer[]): readonly Kind[] {
  const file = (i: number) => files[i % files.length]!;
  const picture: Kind = {
    ...{ what: 'pictures', status: 200, type: 'image/png', body: file },
    pictures: (i) => [i % files.length],
  };
  const form: Kind = {
    ...{ what: 'forms of three pictures', status: 200, type: `multipart/form-data; boundary=${BOUNDARY}` },
    body: (i) => formOf([file(i), file(i + 1), file(i + 2)]),
    pictures: (i) => [i, i + 1, i + 2].map((one) => one % files.length),
  };
  const huge = Buffer.alloc(8 * MAX_BYTES);
  const bomb = Buffer.concat([Buffer.from('P6 20000 20000 255\n'), Buffer.alloc(1000)]);
  const broken: Kind[] = [
    { what: 'cut-off pictures', status: 400, type: 'image/png', body: (i) => file(i).subarray(0, file(i).length >> 1) },
    { what: 'bodies that are no picture', status: 415, type: 'image/jpeg', body: () => Buffer.from('no picture') },
    { what: 'huge bodies', status: 413, type: 'image/png', body: () => huge },
    { what: 'pictures of too many pixels', status: 413, type: 'image/x-portable-pixmap', body: () => bomb },
    { what: 'broken forms', status: 400, type: `multipart/form-data; boundary=${BOUNDARY}`, body: file },
    { what: 'bodies of another type', status: 415, type: 'application/json', body: () => Buffer.from('{}') },
  ];
  // Of ten requests, five are pictures, one is a form, and four are refused.
  return [picture, picture, form, broken[0]!, picture, broken[1]!, picture, broken[2]!, picture, broken[3]!].concat([
    picture,
    picture,
    form,
    broken[4]!,
    picture,
    broken[5]!,
    picture,
    broken[2]!,
    picture,
    broken[0]!,
  ]);
}

const BOUNDARY = 'boundary-of-a-form';

function formOf(files: readonly Buffer[]): Buffer {
  const parts = files.flatMap((file, i) => [
    Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="picture"; filename="${i}.png"\r\n` +
        'Content-Type: image/png\r\n\r\n',
    ),
    file,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]);
}

/** Sends so many requests of all kinds, `AT_ONCE` at a time; with each twentieth, one more that breaks off. */
async function load({ port }: Started, kinds: readonly Kind[], count: number): Promise<Answered[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const answers: Answered[] = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < count; i = next++) {
      const kind = kinds[i % kinds.length]!;
      if (i % 20 === 0) breakOff(port);
      answers.push(await send(agent, port, kind, i));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  agent.destroy();
  return answers;
}

function send(agent: Agent, port: number, kind: Kind, i: number): Promise<Answered> {
  const body = kind.body(i);
  const headers = { 'Content-Type': kind.type, 'Content-Length': body.length };
  return new Promise((resolve) => {
    const asked = request({ port, agent, method: 'POST', path: '/predict?top=6', headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => resolve({ kind, i, status: answer.statusCode ?? 'none', body: text }));
    });
    asked.on('error', (error) => resolve({ kind, i, status: error.message, body: '' }));
    asked.end(body);
  });
}

/** A client that goes away in the middle of its picture. */
function breakOff(port: number): void {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(
    'POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 9000\r\n\r\nabc',
  );
  setTimeout(() => socket.destroy(), 50);
}

async function get({ port }: Started, path: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).text();
}

async function residentBytes(server: Started): Promise<number> {
  const [, bytes] = /^process_resident_memory_bytes (\d+)/m.exec(await get(server, '/metrics'))!;
  return Number(bytes);
}

function judge(answers: readonly Answered[], expected: readonly Ranking[]): Outcome[] {
  const outcomes: Outcome[] = [];
  for (const kind of new Set(answers.map((one) => one.kind))) {
    const own = answers.filter((one) => one.kind === kind);
    const right = own.filter(({ status, body }) => status === kind.status && !/\/(tmp|home|root|usr)\b/.test(body));
    const other = own.find((one) => !right.includes(one));
    if (other) console.log(`  ${kind.what}: ${other.status} ${other.body.slice(0, 200)}`);
    outcomes.push(all(`${kind.what}: answered with status ${kind.status}`, right.length, own.length));
  }
  let [same, bits, pictures, largest] = [0, 0, 0, 0];
  for (const { kind, i, status, body } of answers) {
    if (!kind.pictures || status !== 200) continue;
    const answer = JSON.parse(body) as { top: Ranking } & { pictures: { top: Ranking }[] };
    const found = answer.pictures ?? [answer];
    for (const [place, file] of kind.pictures(i).entries()) {
      const [ours, theirs] = [found[place]!.top, expected[file]!.slice(0)];
      const differences = theirs.map((one) =>
        Math.abs(one.probability - (ours.find(({ index }) => index === one.index)?.probability ?? 1)),
      );
      pictures++;
      largest = Math.max(largest, ...differences.slice(0, ours.length));
      if (ours[0].index === theirs[0]!.index) same++;
      if (Math.max(...differences) === 0) bits++;
    }
  }
  console.log(`  ${bits} of ${pictures} answers have predict's very bits`);
  return [
    ...outcomes,
    all('pictures answered as predict answers them, first class', same, pictures),
    atMost('probabilities against predict’s, largest difference', largest, PROBABILITY, scientific),
  ];
}

/** Whether the server's own count of its answers is that of the requests. */
function counted(metrics: string, requests: number): Outcome {
  const counts = [...metrics.matchAll(/^dawngrad_requests_total\{route="\/predict",status="(\d+)"\} (\d+)$/gm)];
  const answered = counts.reduce((sum, [, , count]) => sum + Number(count), 0);
  // Those that broke off are counted too, one for each twenty.
  return either(
    `requests in /metrics: ${answered}`,
    answered >= requests && answered <= requests * 1.06,
    `${requests}, and at most those that broke off`,
    `${answered}`,
  );
}

/** SIGTERM while requests are under way: they are answered, and the server ends with 0. */
async function end(server: Started, kind: Kind): Promise<Outcome[]> {
  const agent = new Agent({ keepAlive: true });
  const under = Array.from({ length: AT_ONCE }, (_, i) => send(agent, server.port, kind, i));
  await Promise.race(under);
  server.child.kill('SIGTERM');
  const answers = await Promise.all(under);
  const status = await server.ended;
  agent.destroy();
  const answered = answers.filter((one) => one.status === 200 || one.status === 503).length;
  const lost = answers.find((one) => typeof one.status === 'string');
  if (lost) console.log(`  lost: ${lost.status}`);
  return [
    all('requests under way at SIGTERM that are answered', answered, answers.length),
    either('exit status after SIGTERM', status === 0, '0', `${status}`),
  ];
}

/**
 * Pictures and weights from a server on loopback: broken ones first, then, into the same cache, true ones, which shows that
 * the broken ones have left nothing in the way.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { strToU8 } from 'fflate';
import { tutorialData, tutorialWeights } from '../../src/fetch/index.ts';
import {
  filesBelow,
  halfway,
  sha256,
  startServer,
  type TestServer,
  whole,
  zipFolder,
} from '../../test/support/server.ts';
import { atMost, type Context, type Outcome, type Row } from '../row.ts';

interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** What a run is told, and what is expected of it. */
interface Broken {
  readonly what: string;
  readonly flags: readonly string[];
  readonly path: string;
  readonly answer: ReturnType<typeof whole>;
  readonly message: RegExp;
}

export const downloads: Row = {
  name: 'downloads',
  title: 'pictures and weights from a server: true ones, ones that break off, a wrong hash, a zip that reaches outside',
  minutes: 3,
  ci: true,
  run: async (context) => {
    const server = await startServer();
    try {
      const cache = join(context.scratch, 'cache');
      mkdirSync(cache);
      const zip = zipFolder(context.data, 'hymenoptera_data/');
      const weights = readFileSync(context.weights);
      const name = `resnet18-${sha256(weights).slice(0, 8)}.pth`;
      const outcomes: Outcome[] = [];
      for (const broken of brokenOnes(context, zip, weights, name)) {
        outcomes.push(...(await runBroken(server, context, cache, broken)));
      }
      outcomes.push(await neverAnswered(server, context, cache));
      outcomes.push(...(await runTrue(server, context, cache, { zip, weights, name })));
      return outcomes;
    } finally {
      await server.close();
    }
  },
};

function brokenOnes(context: Context, zip: Uint8Array, weights: Uint8Array, name: string): Broken[] {
  const wrong = `resnet18-${sha256(zip).slice(0, 8)}.pth`;
  const evil = zipFolder(join(context.data, 'val'), 'hymenoptera_data/val/', { '../../evil.txt': strToU8('outside') });
  return [
    { what: 'a zip that breaks off half-way', flags: [], path: 'a.zip', answer: halfway(zip), message: /was cut off/ },
    {
      what: 'half a zip as if it were all',
      flags: [],
      path: 'a.zip',
      answer: whole(half(zip)),
      message: /not a complete zip/,
    },
    {
      what: 'a zip with ../ in a name',
      flags: [],
      path: 'a.zip',
      answer: whole(evil),
      message: /would leave the folder/,
    },
    ...[
      { what: 'weights that break off half-way', path: name, answer: halfway(weights), message: /was cut off/ },
      { what: 'weights with a wrong hash', path: wrong, answer: whole(weights), message: /SHA-256 should begin with/ },
    ].map((one) => ({ ...one, flags: ['--data', context.data] })),
  ];
}

async function runBroken(server: TestServer, context: Context, cache: string, broken: Broken): Promise<Outcome[]> {
  const { what, flags, path, answer, message } = broken;
  server.answers.set(`/${path}`, answer);
  const ended = await train(context, cache, flags, variables(`${server.origin}/${path}`));
  const error = ended.output.split('\n').find((line) => line.startsWith('train: ')) ?? 'none';
  console.log(`  ${what}: ${error}`);
  const left = [
    ...readdirSync(cache),
    ...['evil.txt', 'run'].filter((file) => existsSync(join(context.scratch, file))),
  ];
  return [
    {
      what: `${what}: exit status, and an error that says why`,
      figure: `${ended.status}, ${message.test(error) ? 'it does' : 'it does not'}`,
      bar: '1, it does',
      holds: ended.status === 1 && message.test(error),
    },
    { what: `${what}: left behind`, figure: left.join(', ') || 'nothing', bar: 'nothing', holds: left.length === 0 },
  ];
}

async function neverAnswered(server: TestServer, context: Context, cache: string): Promise<Outcome> {
  let askedAt = Number.NaN;
  server.answers.set('/silent.zip', () => {
    askedAt = performance.now();
  });
  const ended = await train(context, cache, [], variables(`${server.origin}/silent.zip`));
  const seconds = (performance.now() - askedAt) / 1000;
  if (!/cannot be reached: no answer/.test(ended.output)) throw new Error(`not what was expected:\n${ended.output}`);
  return atMost(
    'a server that never answers: from the question to the end of the command',
    seconds,
    10,
    (s) => `${s.toFixed(1)} s`,
  );
}

async function runTrue(
  server: TestServer,
  context: Context,
  cache: string,
  { zip, weights, name }: { zip: Uint8Array; weights: Uint8Array; name: string },
): Promise<Outcome[]> {
  server.answers.set('/hymenoptera_data.zip', whole(zip));
  server.answers.set(`/${name}`, whole(weights));
  server.asked.length = 0;
  const env = {
    DAWNGRAD_DATA_URL: `${server.origin}/hymenoptera_data.zip`,
    DAWNGRAD_WEIGHTS_URL: `${server.origin}/${name}`,
  };
  const ended = await train(context, cache, ['--mode', 'extract', '--epochs', '1'], env);
  if (ended.status !== 0) console.log(`  ${ended.output.split('\n').slice(-15).join('\n  ')}`);
  const [val] = /^val .*/m.exec(ended.output) ?? ['no val phase'];
  const folder = readdirSync(cache).find((entry) => entry.endsWith('hymenoptera_data')) ?? 'none';
  const expected = filesBelow(context.data);
  const equal = expected.filter((path) => {
    const copy = join(cache, folder, path);
    return existsSync(copy) && readFileSync(copy).equals(readFileSync(join(context.data, path)));
  });
  const kept = existsSync(join(cache, name)) && readFileSync(join(cache, name)).equals(weights);
  const again = { env: { ...env, DAWNGRAD_CACHE: cache } };
  await tutorialData(again);
  await tutorialWeights(again);
  return [
    {
      what: `true ones: exit status of one epoch (${val})`,
      figure: `${ended.status}`,
      bar: '0',
      holds: ended.status === 0 && val !== 'no val phase',
    },
    {
      what: 'files in the cache that are equal to the originals',
      figure: `${equal.length} of ${expected.length}, weights ${kept ? 'equal' : 'different'}`,
      bar: 'every one, weights equal',
      holds: equal.length === expected.length && kept,
    },
    {
      what: 'requests, with what was asked for a second time',
      figure: server.asked.join(' '),
      bar: 'one for each of the two',
      holds: server.asked.length === 2 && new Set(server.asked).size === 2,
    },
  ];
}

/** The address by both variables: of the two, the run asks for what no flag names. */
function variables(address: string): NodeJS.ProcessEnv {
  return { DAWNGRAD_DATA_URL: address, DAWNGRAD_WEIGHTS_URL: address };
}

function half(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.byteLength >> 1);
}

/** Runs the command as a user would, with nothing named but what `env` and `flags` name. */
function train(context: Context, cache: string, flags: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const { DAWNGRAD_DATA: _data, DAWNGRAD_WEIGHTS: _weights, ...rest } = process.env;
  const child = spawn('npm', ['run', 'train', '--', '--out', join(context.scratch, 'run'), ...flags], {
    cwd: new URL('../..', import.meta.url),
    env: { ...rest, NO_PROXY: '127.0.0.1', ...env, DAWNGRAD_CACHE: cache },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}

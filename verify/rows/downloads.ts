/**
 * Pictures and weights from a server on loopback: first broken ones, then good ones into the same cache. So a remainder
 * of a broken download would be found.
 */
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
import { type Ended, run } from '../processes.ts';
import { all, atMost, type Context, either, type Outcome, type Row, seconds } from '../row.ts';

/** A broken download: the answer of the server, and the expected error. */
interface Broken {
  readonly what: string;
  readonly flags: readonly string[];
  readonly path: string;
  readonly answer: ReturnType<typeof whole>;
  readonly message: RegExp;
}

export const downloads: Row = {
  name: 'downloads',
  title: 'pictures and weights from a server: good and truncated ones, a wrong hash, a zip with paths outside',
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
      outcomes.push(...(await runGood(server, context, cache, { zip, weights, name })));
      return outcomes;
    } finally {
      await server.close();
    }
  },
};

function brokenOnes(context: Context, zip: Uint8Array, weights: Uint8Array, name: string): Broken[] {
  const half = zip.subarray(0, zip.byteLength >> 1);
  const wrong = `resnet18-${sha256(zip).slice(0, 8)}.pth`;
  const evil = zipFolder(join(context.data, 'val'), 'hymenoptera_data/val/', { '../../evil.txt': strToU8('outside') });
  return [
    ...[
      { what: 'a zip that breaks off half-way', answer: halfway(zip), message: /was cut off/ },
      { what: 'half a zip with its own length', answer: whole(half), message: /not a complete zip/ },
      { what: 'a zip with ../ in a name', answer: whole(evil), message: /would leave the folder/ },
    ].map((one) => ({ ...one, path: 'a.zip', flags: [] })),
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
  const others = ['evil.txt', 'run'].filter((file) => existsSync(join(context.scratch, file)));
  const left = [...readdirSync(cache), ...others];
  const good = ended.status === 1 && message.test(error);
  return [
    either(`${what}: exit status and error`, good, '1, with the reason', `${ended.status}, ${error}`),
    either(`${what}: left behind`, left.length === 0, 'nothing', left.join(', ')),
  ];
}

async function neverAnswered(server: TestServer, context: Context, cache: string): Promise<Outcome> {
  let askedAt = Number.NaN;
  server.answers.set('/silent.zip', () => {
    askedAt = performance.now();
  });
  const ended = await train(context, cache, [], variables(`${server.origin}/silent.zip`));
  const waited = (performance.now() - askedAt) / 1000;
  if (!/cannot be reached: no answer/.test(ended.output)) {
    throw new Error(`Expected "cannot be reached: no answer" in the output, found:\n${ended.output}`);
  }
  return atMost('a server that never answers: from the request to the end of the command', waited, 10, seconds);
}

async function runGood(
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
  const trained = ended.status === 0 && val !== 'no val phase';
  const requests = server.asked.length === 2 && new Set(server.asked).size === 2;
  return [
    either(`good ones: exit status of one epoch (${val})`, trained, '0', `${ended.status}`),
    all('pictures in the cache that are equal to the originals', equal.length, expected.length),
    either('weights in the cache', kept, 'equal to the original', 'different'),
    either('requests, including the second use', requests, 'one for each of the two', server.asked.join(' ')),
  ];
}

/** Sets the address in both variables. The run requests only what no flag names. */
function variables(address: string): NodeJS.ProcessEnv {
  return { DAWNGRAD_DATA_URL: address, DAWNGRAD_WEIGHTS_URL: address };
}

/** Runs the command as a user would, without DAWNGRAD_DATA and DAWNGRAD_WEIGHTS. */
function train(context: Context, cache: string, flags: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const { DAWNGRAD_DATA: _data, DAWNGRAD_WEIGHTS: _weights, ...rest } = process.env;
  const args = ['run', 'train', '--', '--out', join(context.scratch, 'run'), ...flags];
  return run('npm', args, { env: { ...rest, NO_PROXY: '127.0.0.1', ...env, DAWNGRAD_CACHE: cache } });
}

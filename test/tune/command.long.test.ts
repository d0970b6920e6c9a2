/** `npm run tune`, and the use of its answers by train and predict. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/tune.ts';
import type { AdapterTraits, Gpu } from '../../src/gpu/gpu.ts';
import { type MemoryQuestion, rehearse } from '../../src/plan/index.ts';
import { describeChoice } from '../../src/train/config.ts';
import { addAnswers, cacheKey, tunedPath } from '../../src/tune/cache.ts';
import { engineVersion, type TuneReport } from '../../src/tune/index.ts';
import { call, drawPicture, randomState, writeNet } from '../predict/support.ts';
import { ownTraits, withGpu } from '../support/gpu.ts';
import { drawPictures, readJson, readJsonLines, runCommand, TRAINING_TIMEOUT } from '../train/support.ts';

const { gpuTest, gpu } = await openOnce();
const folder = mkdtempSync(join(tmpdir(), 'dawngrad-tune-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Defers access to the device, which does not exist if the tests are skipped. */
async function openOnce() {
  const opened = await withGpu();
  return { gpuTest: opened.gpuTest, gpu: (): Gpu => opened.gpu };
}

/** Runs the command inside this process. Its budget begins now. */
async function tune(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const written = { stdout: '', stderr: '' };
  const to = (stream: keyof typeof written) => ({ write: (text: string) => (written[stream] += text) });
  const io = { stdout: to('stdout'), stderr: to('stderr'), env };
  const code = await main(args, io, performance.now());
  return { code, ...written };
}

describe('tune', () => {
  test.each([
    [['--budget', '0'], /^tune: --budget: expected a number of seconds above 0, found 0\n/],
    [['--budget', 'long'], /^tune: --budget: expected a number, found "long"\n/],
    [['--batch-size', '0'], /^tune: --batch-size: expected a whole number of at least 1, found 0\n/],
    [['--image-size', '16'], /^tune: --image-size: expected a whole number from 32 to 8192, found 16\n/],
    [['--mode', 'both'], /^tune: --mode: expected finetune, extract, found "both"\n/],
    [['--adapter', 'quantum'], /^tune: --adapter: expected .+, found "quantum"\n/],
    [['--fast'], /^tune: Unknown option '--fast'/],
  ])('%j is wrong usage', async (args, message) => {
    const { code, stdout, stderr } = await tune(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/Try "npm run tune -- --help"\.\n$/);
  });

  test('--help explains every flag', async () => {
    const { code, stdout } = await tune(['--help']);
    expect(code).toBe(0);
    for (const flag of ['batch-size', 'image-size', 'mode', 'adapter', 'budget', 'json', 'help']) {
      expect(stdout).toContain(`--${flag}`);
    }
  });

  const TINY = ['--image-size', '32', '--batch-size', '2', '--mode', 'extract', '--budget', '60'];

  gpuTest(
    'prints each work with every candidate’s time and the choice, and keeps the choices in the file that it names',
    async () => {
      const env = { DAWNGRAD_CACHE: join(folder, 'told') };
      const { code, stdout, stderr } = await tune(TINY, env);
      expect(code, stderr).toBe(0);
      const lines = stdout.trimEnd().split('\n');
      expect(lines[0]).toBe(`Device: ${gpu().traits.description} (${hardware()})`);
      expect(lines[1]).toMatch(/^milliseconds +tiled +rows .*kept +beside the table$/);
      const works = lines.filter((line) => line.startsWith('conv2d forward 2x'));
      expect(works).toHaveLength(11);
      for (const line of works) expect(line).toMatch(/ (\d+\.\d\d|skipped) .*(its choice|times as fast|in place of)/);
      expect(lines.filter((line) => /^linear (forward|weightGrad) 2x512 -> 2 /.test(line))).toHaveLength(2);
      expect(lines.at(-3)).toMatch(/^13 of 13 measured in \d+\.\d s\.$/);
      expect(lines.at(-2)).toMatch(/^A training and a validation step.*: \d+ ms by the table, \d+ ms tuned: /);
      expect(lines.at(-1)).toBe(`Kept in ${tunedPath(env)}`);
      const { entries } = readJson<{ entries: { works: object }[] }>(tunedPath(env));
      expect(Object.keys(entries[0]!.works)).toHaveLength(13);
    },
    TRAINING_TIMEOUT,
  );

  gpuTest(
    '--json prints one object; a budget that is too short keeps the table’s choices and says so',
    async () => {
      const env = { DAWNGRAD_CACHE: join(folder, 'short') };
      const { code, stdout, stderr } = await tune([...TINY, '--budget', '0.001', '--json'], env);
      expect(code, stderr).toBe(0);
      const told = JSON.parse(stdout) as TuneReport & { file: string; budget: number; engine: string };
      expect(told).toMatchObject({ budget: 0.001, engine: engineVersion(), file: tunedPath(env), batchSize: 2 });
      expect(told.results).toHaveLength(13);
      for (const { state, choice, table } of told.results) {
        expect([state, choice]).toEqual(['not reached', table]);
      }
      const text = await tune([...TINY, '--budget', '0.001'], env);
      expect(text.stdout).toMatch(/^0 of 13 measured in .+ The time ran out for the other 13: .+ larger --budget/m);
      expect(text.stdout).toMatch(/not finished in time: its choice/);
    },
    TRAINING_TIMEOUT,
  );

  gpuTest(
    'a cache folder that cannot be used is an error, with status 1',
    async () => {
      const file = join(folder, 'a file');
      writeFileSync(file, '');
      const { code, stdout, stderr } = await tune([...TINY, '--budget', '0.001'], { DAWNGRAD_CACHE: file });
      expect(code).toBe(1);
      // The measurements are printed all the same.
      expect(stdout).toMatch(/^0 of 13 measured in /m);
      expect(stdout).not.toMatch(/^Kept in/m);
      expect(stderr).toMatch(/tune: .+tuned\.json: cannot be written/);
    },
    TRAINING_TIMEOUT,
  );

  const hardware = () => (gpu().traits.kind === 'cpu' ? 'software' : 'hardware');
});

describe('a tuned choice', () => {
  const env = { DAWNGRAD_CACHE: join(folder, 'used') };
  let flags: string[];

  /** For each convolution and product a choice that the table would not make. */
  function contrary(traits: AdapterTraits, question: MemoryQuestion): Record<string, string> {
    const { choices } = rehearse(traits, question);
    const simple = (work: string) => (work.startsWith('linear') ? 'dots' : 'rows');
    const other = (work: string, variant: string) => (variant === 'tiled' ? simple(work) : 'tiled');
    return Object.fromEntries(Object.entries(choices).map(([work, variant]) => [work, other(work, variant)]));
  }

  function keep(traits: AdapterTraits, choices: Record<string, string>): void {
    const answers = Object.entries(choices).map(([name, choice]) => [name, { choice, ms: { [choice]: 1 } }] as const);
    addAnswers(tunedPath(env), cacheKey(traits, engineVersion()), new Map(answers));
  }

  beforeAll(async () => {
    const data = await drawPictures(join(folder, 'data'));
    flags = ['--data', data, '--weights', 'none', '--image-size', '32', '--epochs', '1', '--threads', '1'];
  });

  interface Config {
    readonly kernels: Record<string, string>;
    readonly kernelChoice: ReturnType<typeof describeChoice>;
  }

  gpuTest(
    'is used by train, which writes it into config.json with a hash; --no-tune ignores it',
    async () => {
      const question: MemoryQuestion = {
        ...{ mode: 'extract', classes: 2, imageSize: 32, batchSize: 4, momentum: 0.9 },
        pictures: { train: 12, val: 8 },
      };
      const traits = await ownTraits();
      const tuned = contrary(traits, question);
      keep(traits, tuned);
      const run = async (name: string, ...more: string[]) => {
        const out = join(folder, name);
        const ended = await runCommand([...flags, '--mode', 'extract', '--out', out, ...more], undefined, env);
        expect(ended.code, ended.stderr).toBe(0);
        const loss = readJsonLines<{ loss: number }>(out, 'metrics.jsonl')[0]!.loss;
        return { ...readJson<Config>(out, 'config.json'), loss };
      };
      const withTuned = await run('tuned');
      expect(withTuned.kernels).toEqual(tuned);
      const count = Object.keys(tuned).length;
      expect(withTuned.kernelChoice).toMatchObject({ fromTable: 0, fromTuner: count });

      const without = await run('no-tune', '--no-tune');
      expect(without.kernels).toEqual(rehearse(traits, question).choices);
      expect(without.kernelChoice).toMatchObject({ fromTable: count, fromTuner: 0 });
      expect(without.kernelChoice.hash).not.toBe(withTuned.kernelChoice.hash);
      // Only the order of the sums differs.
      expect(withTuned.loss).toBeCloseTo(without.loss, 4);
    },
    TRAINING_TIMEOUT,
  );

  gpuTest(
    'is also looked up by predict, which a damaged file does not stop; with --no-tune it is not',
    async () => {
      const weights = writeNet(join(folder, 'net.safetensors'), randomState(gpu(), 3), {
        classes: JSON.stringify(['ants', 'bees', 'wasps']),
        imageSize: '32',
      });
      const picture = await drawPicture(join(folder, 'photo.png'), 1);
      mkdirSync(env.DAWNGRAD_CACHE, { recursive: true });
      writeFileSync(tunedPath(env), 'no JSON');
      const predict = (...more: string[]) => call(['--weights', weights, '--threads', '0', ...more, picture], env);
      const [used, ignored] = [await predict(), await predict('--no-tune')];
      expect([used.code, ignored.code]).toEqual([0, 0]);
      expect(used.stderr).toMatch(/tuned\.json: is damaged/);
      expect(ignored.stderr).not.toMatch(/tuned\.json/);
      expect(used.stdout).toBe(ignored.stdout);
      expect(existsSync(`${tunedPath(env)}.unusable-1`)).toBe(false);
    },
    TRAINING_TIMEOUT,
  );
});

describe('describeChoice', () => {
  const kernels = { a: 'rows', b: 'tiled', c: 'winograd' };

  test('has the same hash for the same choices in any order, and another for any other', () => {
    const { hash } = describeChoice(kernels, new Map());
    expect(hash).toMatch(/^[0-9a-f]{12}$/);
    expect(describeChoice({ c: 'winograd', a: 'rows', b: 'tiled' }, new Map()).hash).toBe(hash);
    for (const other of [
      { ...kernels, c: 'rows' },
      { a: 'rows', b: 'tiled' },
      { ...kernels, b2: 'tiled' },
    ]) {
      expect(describeChoice(other, new Map()).hash).not.toBe(hash);
    }
  });

  test('counts tuned choices, even if the table agrees, but not those that could not be used', () => {
    const tuned = new Map([
      ['a', 'rows'],
      ['b', 'winograd'],
      ['other work', 'rows'],
    ]);
    expect(describeChoice(kernels, tuned)).toMatchObject({ fromTable: 2, fromTuner: 1 });
  });
});

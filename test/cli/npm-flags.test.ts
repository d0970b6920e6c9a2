/** Flags that npm keeps for itself, in environments of npm 9, 10 and 11 (make-npm-environments.py). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { npmStart } from '../../src/cli/npm.ts';
import { correctedLine, type FlagTable, keptMessage, npmrcNames } from '../../src/cli/npm-flags.ts';

interface Seen {
  readonly npm: string;
  readonly args: string;
  readonly own?: NodeJS.ProcessEnv;
  readonly npmrc?: string;
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

const seen = JSON.parse(
  readFileSync(new URL('../golden/cli/npm-environments.json', import.meta.url), 'utf8'),
) as readonly Seen[];

const scratch = mkdtempSync(join(tmpdir(), 'dawngrad-npm-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const text = { type: 'string' } as const;
const plain = { type: 'boolean' } as const;
const TABLES: Readonly<Record<string, FlagTable>> = {
  predict: { weights: text, top: text, save: text, 'batch-size': text, json: plain, 'no-tune': plain, help: plain },
  train: { data: text, mode: text, epochs: text, seed: text, demo: plain, json: plain, 'no-tune': plain },
  verify: { ci: plain, list: plain },
};

/** The corrected command line of each typed one; undefined where npm has kept nothing, or nothing that can be seen. */
const CORRECTED: Readonly<Record<string, string | undefined>> = {
  'run predict -- --weights X pic': undefined,
  'run predict --weights X pic': 'npm run predict -- --weights X pic',
  'run predict --weights=X pic --no-tune': 'npm run predict -- pic --weights X --no-tune',
  'run predict pic --json --batch-size=4': 'npm run predict -- pic --batch-size 4 --json',
  'run predict pic --save out': undefined,
  'run train --epochs 3 --data d': 'npm run train -- --data <value> --epochs <value>',
  'run train --epochs=3 --data=d --data=e --demo': 'npm run train -- --data d --data e --epochs 3 --demo',
  'run train --seed 1 -- --mode both': 'npm run train -- --seed 1 --mode both',
  'run train --no-demo': undefined,
  'run train': undefined,
  // npm completes `--ci` to `--cidr`, which takes what follows for its value; npm 9 has lost it altogether.
  'run verify --ci --list': 'npm run verify -- --ci',
  '9 run verify --ci --list': 'npm run verify -- --list',
  'exec dawngrad train --epochs 3': 'npx dawngrad train --epochs 3',
  'exec -- dawngrad train --epochs 3': undefined,
};

describe('what npm passes on', () => {
  test('is known of three versions, and of every command line of the table', () => {
    expect([...new Set(seen.map(({ npm }) => npm.split('.')[0]))]).toEqual(['9', '10', '11']);
    expect(new Set(seen.map(({ args }) => args))).toEqual(
      new Set(Object.keys(CORRECTED).filter((args) => !args.startsWith('9'))),
    );
  });

  test.each(seen.map((one) => [`npm ${one.npm} ${one.args} ${JSON.stringify(one.own ?? one.npmrc ?? '')}`, one]))(
    '%s',
    (_, { npm, args, argv, env, npmrc }) => {
      const start = npmStart(env, ['node', ...argv]);
      const table = TABLES[args.split(' ').find((word) => word in TABLES)!]!;
      const config = join(scratch, 'npmrc');
      writeFileSync(config, npmrc ?? '');
      const message = keptMessage(table, env, start!, npmrcNames({ npm_config_userconfig: config }));
      expect(message?.split('\n').at(-1)?.trim()).toBe(CORRECTED[`${npm.split('.')[0]} ${args}`] ?? CORRECTED[args]);
      if (message && args.startsWith('run')) expect(message).toContain('put -- before the flags:\n');
    },
  );
});

test('the message names every flag, and words that a shell would split are quoted', () => {
  const start = npmStart(
    {
      npm_lifecycle_event: 'predict',
      npm_lifecycle_script: 'node src/cli/predict.ts',
      npm_package_json: '/root/package.json',
    },
    ['node', '/root/src/cli/predict.ts', "my bee's.pth", 'ébène/ö.jpg'],
  )!;
  const env = { npm_config_weights: 'true', npm_config_batch_size: '4' };
  expect(keptMessage(TABLES.predict!, env, start, new Set())).toBe(
    '--weights, --batch-size: npm kept these flags for itself, so the command did not get them; put -- before the flags:\n' +
      "  npm run predict -- --weights 'my bee'\\''s.pth' ébène/ö.jpg --batch-size 4",
  );
  expect(correctedLine({ called: 'c', passed: [] }, [{ flag: 'data', values: [] }])).toBe('c --data <value>');
});

test('programs that a script starts in turn are not that script', () => {
  const env = {
    npm_lifecycle_event: 'verify',
    npm_lifecycle_script: 'node scripts/setup.mjs verify && node --import tsx verify/main.ts',
    npm_package_json: '/root/package.json',
  };
  expect(npmStart(env, ['node', '/root/verify/main.ts'])).toMatchObject({
    kind: 'checkout',
    called: 'npm run verify --',
  });
  expect(npmStart({ ...env, INIT_CWD: '/root/docs' }, ['node', '/root/verify/main.ts'])?.called).toBe(
    'npm run verify --',
  );
  const called = 'npm --prefix /root run verify --';
  expect(npmStart({ ...env, INIT_CWD: '/home' }, ['node', '/root/verify/main.ts'])?.called).toBe(called);
  expect(npmStart(env, ['node', '/root/src/cli/train.ts', '--epochs', '3'])).toBeUndefined();
  expect(npmStart({}, ['node', '/root/src/cli/train.ts'])).toBeUndefined();
});

test("a user's own script that runs the installed package", () => {
  const env = { npm_lifecycle_event: 'teach', npm_lifecycle_script: 'dawngrad train --demo', npm_command: 'run' };
  const start = npmStart(env, ['node', '/app/node_modules/.bin/dawngrad', 'train', '--demo', '3'])!;
  expect(start.kind).toBe('package');
  expect(correctedLine(start, [{ flag: 'epochs', values: [] }])).toBe('npm run teach -- --epochs <value>');
});

test('names of npmrc files: keys, lists, comments and sections', () => {
  const [user, folder] = [join(scratch, 'user'), join(scratch, 'project')];
  writeFileSync(user, '; json=true\n# seed=1\njson = true\nomit[]=dev\nBatch-Size=4\n\n[other]\nweights=x\n');
  rmSync(folder, { recursive: true, force: true });
  const names = npmrcNames({ npm_config_userconfig: user, npm_config_globalconfig: join(scratch, 'none') });
  expect([...names].sort()).toEqual(['batch_size', 'json', 'omit']);
});

/** Commands as programs: started through links, with outputs that cannot be written. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { isProgram, Outputs, perform, placeAdvice } from '../../src/cli/program.ts';
import { FileError, UsageError } from '../../src/errors.ts';
import { tellMissingFont } from '../../src/pictures/missing-font.ts';
import { writeSafetensors } from '../../src/weights/index.ts';

const root = mkdtempSync(join(tmpdir(), 'dawngrad-program-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const source = (name: string) => fileURLToPath(new URL(`../../src/cli/${name}.ts`, import.meta.url));
const start = (file: string, args: readonly string[], stdout: 'pipe' | number = 'pipe', env = {}) =>
  spawnSync(process.execPath, ['--import', 'tsx', file, ...args], {
    stdio: ['ignore', stdout, 'pipe'],
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, ...env },
  });

test.each(['train', 'data', 'predict', 'eval', 'convert', 'export', 'compare', 'tune', 'doctor'])(
  '%s runs through a symbolic link',
  (name) => {
    const link = join(root, `${name}.ts`);
    symlinkSync(source(name), link);
    const { status, stdout, stderr } = start(link, ['--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: npm run ${name} `));
  },
);

test('a module that is only imported is no program', () => {
  const url = pathToFileURL(source('train')).href;
  expect(isProgram(url, source('train'))).toBe(true);
  expect(isProgram(url, source('predict'))).toBe(false);
  expect(isProgram(url, join(root, 'nothing.ts'))).toBe(false);
  expect(isProgram(url, undefined)).toBe(false);
});

test.skipIf(!existsSync('/dev/full'))('stdout on a full disk: files are written, one line on stderr, status 7', () => {
  const rows = (['train', 'val'] as const).map((phase) => JSON.stringify({ epoch: 0, phase, loss: 1, acc: 0.5 }));
  const [metrics, picture] = [join(root, 'metrics.jsonl'), join(root, 'curves.png')];
  writeFileSync(metrics, rows.join('\n'));
  const { status, stderr } = start(
    source('compare'),
    [metrics, metrics, '--picture', picture],
    openSync('/dev/full', 'w'),
  );
  expect(stderr).toMatch(/^compare: stdout cannot be written \(ENOSPC: .*\); going on without\.\n$/);
  expect(status).toBe(7);
  expect(existsSync(picture)).toBe(true);
});

test('relative paths count from where the user stands, whichever folder npm starts the script in', () => {
  const checkout = fileURLToPath(new URL('../..', import.meta.url));
  const stands = mkdtempSync(join(root, 'stands-'));
  writeFileSync(join(stands, 'tsconfig.json'), '{ broken');
  writeSafetensors(join(stands, 'in.safetensors'), { tensors: new Map(), metadata: {} });
  const script = { npm_lifecycle_event: 'convert', npm_package_json: join(checkout, 'package.json'), INIT_CWD: stands };
  const convert = (npm_lifecycle_script: string) =>
    start(source('convert'), ['in.safetensors', 'out.safetensors'], 'pipe', { ...script, npm_lifecycle_script });

  expect(convert('node --import tsx src/cli/convert.ts')).toMatchObject({ status: 0, stderr: '' });
  expect(existsSync(join(stands, 'out.safetensors'))).toBe(true);
  // A program that another script starts is told where it is by that script.
  expect(convert('node --import tsx verify/main.ts').stderr).toMatch(/^convert: in\.safetensors: /);
});

describe('perform', () => {
  const performed = async (run: () => unknown, argv: readonly string[] = []) => {
    let [stdout, stderr] = ['', ''];
    const io = {
      stdout: { write: (text: string) => (stdout += text) },
      stderr: { write: (text: string) => (stderr += text) },
      env: {},
    };
    const command = {
      ...{ name: 'report', help: 'Usage\n', parse: ([first]: readonly string[]) => (first === '-h' ? 'help' : first) },
      run: async () => {
        await run();
        return 0;
      },
      advice: placeAdvice('Choose another.'),
    };
    return { status: await perform(command, argv, io), stdout, stderr };
  };
  const fail = (error: Error) => () => {
    throw error;
  };

  test('prints the help, or what went wrong with advice, and gives the status', async () => {
    expect(await performed(() => {}, ['-h'])).toEqual({ status: 0, stdout: 'Usage\n', stderr: '' });
    expect(await performed(() => {})).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(await performed(fail(new UsageError('--x\u001b: wrong')))).toEqual({
      ...{ status: 2, stdout: '' },
      stderr: 'report: --x\\u001b: wrong\nTry "npm run report -- --help".\n',
    });
    const cause = Object.assign(new Error('no'), { code: 'EACCES' });
    const refused = await performed(fail(new FileError('x: no', { cause })));
    expect(refused).toEqual({ status: 1, stdout: '', stderr: 'report: x: no\nChoose another.\n' });
    expect((await performed(fail(new FileError('x: no')))).stderr).toBe('report: x: no\n');
    await expect(performed(fail(new TypeError('a bug')))).rejects.toThrow(TypeError);
  });

  test('every command tells of a missing font by itself, without a warning of Node', async () => {
    expect((await performed(() => tellMissingFont('Install a font.'))).stderr).toBe('Install a font.\n');
  });
});

/** Streams whose errors a test raises. */
function outputs() {
  const listeners: Record<'stdout' | 'stderr', ((error: Error) => void)[]> = { stdout: [], stderr: [] };
  let told = '';
  const stream = (name: 'stdout' | 'stderr') => ({
    on: (_: 'error', listener: (error: Error) => void) => listeners[name].push(listener),
    write: (text: string) => {
      if (name === 'stderr') told += text;
    },
  });
  const guard = new Outputs('train', { stdout: stream('stdout'), stderr: stream('stderr') });
  const fail = (name: 'stdout' | 'stderr', code: string) => {
    for (const listener of listeners[name]) listener(Object.assign(new Error(`${code}: no`), { code }));
  };
  return { guard, fail, told: () => told };
}

test.each([
  ['a full disk', 'ENOSPC', 7, /^train: stdout cannot be written \(ENOSPC: no\); going on without\.\n$/],
  ['a terminal that is gone', 'EIO', 1, /^train: stdout cannot be written \(EIO/],
  ['a closed reader', 'EPIPE', 0, /^$/],
])('%s', (_, code, status, line) => {
  const { guard, fail, told } = outputs();
  for (let i = 0; i < 3; i++) fail('stdout', code);
  expect(told()).toMatch(line);
  expect(guard.statusAfter(0)).toBe(status);
  expect(guard.statusAfter(3)).toBe(3);
});

test('a stderr that cannot be written ends nothing', () => {
  const { guard, fail } = outputs();
  fail('stderr', 'ENOSPC');
  expect(guard.statusAfter(0)).toBe(0);
});

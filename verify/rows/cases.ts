/**
 * Small files that failed once, each as its README says. DAWNGRAD_CASES names their folder. Each runs in a process of its
 * own, so that time and memory are those of this file alone.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Outcome, type Row, Skipped } from '../row.ts';

/** Memory beyond Node's own, in bytes: 64 MiB, and 64 times the file. */
const FREE_MEMORY = 2 ** 26;
const MEMORY_MULTIPLE = 64;
/** A case may take this long, with the start of its process. */
const TIMEOUT_MS = 20_000;
const PROCESS = fileURLToPath(new URL('../case-process.ts', import.meta.url));

/** The outcome that a case must have. */
type Expectation =
  | { readonly refused: RegExp }
  /** Side lengths after turning, and the first pixel's [red, green, blue] if it matters. */
  | { readonly size?: readonly [width: number, height: number]; readonly pixel?: readonly [number, number, number] };

interface Case {
  readonly reads: 'checkpoint' | 'picture';
  readonly expected: Expectation;
  /** For names of the file that commands print: a part of what they print, all of which must be printable. */
  readonly prints?: RegExp;
}

const CASES: Readonly<Record<string, Case>> = {
  'dtypes.pth': { reads: 'checkpoint', expected: { refused: /beyond 8 times the file's size/ } },
  'slowgather.pth': { reads: 'checkpoint', expected: { refused: /repeats values of its storage beyond 8 times/ } },
  'escape.pth': { reads: 'checkpoint', expected: { refused: /known network/ }, prints: /\\u001b/ },
  'escjson.safetensors': {
    reads: 'checkpoint',
    expected: { refused: /header is invalid .*at character 5/ },
    prints: /./,
  },
  'svg20k.jpg': { reads: 'picture', expected: { refused: /not a picture|SVG/ } },
  'p0.ppm': { reads: 'picture', expected: { refused: /p0\.ppm/ } },
  'rgba-108.bmp': { reads: 'picture', expected: { pixel: [37, 235, 140] } },
  'abgr-108.bmp': { reads: 'picture', expected: { pixel: [37, 235, 140] } },
  'rgba-40.bmp': { reads: 'picture', expected: { refused: /rgba-40\.bmp/ } },
  'orient6.tif': { reads: 'picture', expected: { size: [30, 40] } },
};

/** The answer of the process of one case, as JSON. */
export interface CaseAnswer {
  /** The error's message, as a command prints it. */
  readonly refused?: string;
  readonly size?: readonly [number, number];
  readonly pixel?: readonly [number, number, number];
  /** Memory beyond what the process had, in bytes. */
  readonly memory: number;
}

export const cases: Row = {
  name: 'cases',
  title: 'small files that failed once, in the folder DAWNGRAD_CASES',
  minutes: 1,
  ci: true,
  alone: true,
  run: async ({ scratch }) => {
    const folder = process.env.DAWNGRAD_CASES ?? '';
    if (!existsSync(folder)) throw new Skipped('DAWNGRAD_CASES names no folder');
    const files = readdirSync(folder).filter((name) => !name.endsWith('.md'));
    const unknown = files.filter((name) => !Object.hasOwn(CASES, name));
    const outcomes: Outcome[] = [
      {
        what: 'files without an expectation',
        figure: unknown.join(', ') || 'none',
        bar: 'none',
        holds: unknown.length === 0,
      },
    ];
    for (const [name, one] of Object.entries(CASES)) {
      const path = join(folder, name);
      outcomes.push(await judge(path, name, one));
      if (one.prints) outcomes.push(await judgePrint(path, name, one.prints, scratch));
    }
    return outcomes;
  },
};

async function judge(path: string, name: string, { reads, expected }: Case): Promise<Outcome> {
  const bar = 'refused' in expected ? `refused with ${expected.refused}` : JSON.stringify(expected);
  if (!existsSync(path)) return { what: name, figure: 'there is no such file', bar, holds: false };
  const most = FREE_MEMORY + MEMORY_MULTIPLE * statSync(path).size;
  const answer = await run(reads, path);
  if (typeof answer === 'string') return { what: name, figure: answer, bar, holds: false };
  const { refused, memory, ...read } = answer;
  const found = refused ?? `read: ${JSON.stringify(read)}`;
  const fits =
    'refused' in expected
      ? refused !== undefined && expected.refused.test(refused) && /^[^\p{Cc}\p{Cf}]*$/u.test(refused)
      : refused === undefined && Object.entries(expected).every(([key, value]) => same(read[key as 'size'], value));
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  return {
    what: name,
    figure: `${found.replace(path, name)}; ${megabytes(memory)}`,
    bar: `${bar}; at most ${megabytes(most)}`,
    holds: fits && memory <= most,
  };
}

/** Looks at all that `convert` and `predict` print about the file. */
async function judgePrint(path: string, name: string, part: RegExp, scratch: string): Promise<Outcome> {
  const convert = await start([command('convert'), path, join(scratch, 'out.safetensors')]);
  // The weights are read before any picture, so any file of the folder will do as one.
  const predict = await start([command('predict'), '--weights', path, join(path, '..', 'orient6.tif')]);
  const printed = [convert, predict].map(({ stdout, stderr }) => stdout + stderr).join('');
  const unprintable = /(?!\n)[\p{Cc}\p{Cf}]/u.exec(printed);
  return {
    what: `${name}, printed by convert and predict`,
    figure: unprintable ? `character ${unprintable[0].charCodeAt(0)}` : `${printed.length} characters, all printable`,
    bar: `printable, with ${part}`,
    holds: unprintable === null && part.test(printed),
  };
}

function command(name: string): string {
  return fileURLToPath(new URL(`../../src/cli/${name}.ts`, import.meta.url));
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** @returns the answer, or how the process ended without one */
async function run(reads: Case['reads'], path: string): Promise<CaseAnswer | string> {
  const { stdout, stderr, ended } = await start([PROCESS, reads, path]);
  if (ended === 'exit 0') return JSON.parse(stdout) as CaseAnswer;
  return `ended by ${ended}: ${stderr.trim().split('\n').at(-1)}`;
}

/** Runs a script with its arguments. */
function start(argv: readonly string[]): Promise<{ stdout: string; stderr: string; ended: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', ...argv], { timeout: TIMEOUT_MS });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk;
    });
    child.on('close', (code, signal) => resolve({ stdout, stderr, ended: signal ?? `exit ${code}` }));
  });
}

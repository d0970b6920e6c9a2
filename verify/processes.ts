/** Runs programs to their end, such as the commands of this checkout as a user would run them. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  /** stdout and stderr, as they arrived. */
  readonly output: string;
  readonly seconds: number;
}

export interface RunOptions {
  /** By default the root of this checkout. */
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Called with each line of stdout, and the id of the process. */
  readonly onLine?: (line: string, pid: number) => void;
}

export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { cwd = ROOT, env = process.env, onLine } = options;
  const started = performance.now();
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, output, rest] = ['', '', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    output += text;
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) onLine?.(line, child.pid!);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  return { status, stdout, output, seconds: (performance.now() - started) / 1000 };
}

/** Runs a command of src/cli. @throws Error with the end of its output if it fails */
export async function runCommand(name: string, flags: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const script = join(ROOT, 'src/cli', `${name}.ts`);
  const ended = await run(process.execPath, ['--import', 'tsx', script, ...flags], options);
  if (ended.status === 0) return ended;
  throw new Error(`${name} ${flags.join(' ')} ended with status ${ended.status}:\n${ended.output.slice(-4000)}`);
}

/** `{ seed: 0 }` as `['--seed', '0']`. */
export function flagsOf(values: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(values).flatMap(([flag, value]) => [`--${flag}`, `${value}`]);
}

/** Creates a folder and returns the variables that make it Mesa's shader cache: the newer and the older name. */
export function shaderCache(folder: string): NodeJS.ProcessEnv {
  mkdirSync(folder, { recursive: true });
  return { MESA_SHADER_CACHE_DIR: folder, MESA_GLSL_CACHE_DIR: folder };
}

export function readJsonLines<T>(file: string): T[] {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}

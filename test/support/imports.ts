/**
 * Checks the structure of the source: the folders that a folder may import, the engine's use of its host, the files
 * that an entry reaches, cycles, and the length of files. It works on texts by path, so that imports.test.ts can plant
 * violations. Patterns find import statements, because the formatter keeps them regular.
 */

import { posix } from 'node:path';

/** The folders that each folder of src/ may import. Its own files and the shared files are always allowed. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  cli: [
    'driver',
    'serve',
    'export',
    'predict',
    'tune',
    'train',
    'report',
    'judge',
    'plan',
    'onnx',
    'models',
    'optim',
    'demo',
    'fetch',
    'pictures',
    'nn',
    'autograd',
    'kernels',
    'gpu',
    'weights',
    'data',
  ],
  serve: ['predict', 'gpu', 'data'],
  // A trained network as files of other programs.
  export: ['predict', 'plan', 'onnx', 'models', 'nn', 'autograd', 'gpu', 'weights'],
  predict: ['judge', 'plan', 'onnx', 'models', 'optim', 'nn', 'autograd', 'kernels', 'gpu', 'weights', 'data'],
  // `plan` rehearses a run by the code that trains.
  tune: ['plan', 'fetch', 'kernels', 'gpu', 'weights'],
  // `train` takes from `fetch` only where caches lie.
  train: [
    'report',
    'judge',
    'plan',
    'onnx',
    'models',
    'fetch',
    'pictures',
    'optim',
    'nn',
    'autograd',
    'kernels',
    'gpu',
    'weights',
    'data',
  ],
  // A page about a run, from the files of its folder.
  report: ['judge', 'plan', 'onnx', 'models', 'pictures', 'nn', 'autograd', 'kernels', 'gpu', 'weights', 'data'],
  // ONNX files, written from and read into networks.
  onnx: ['models', 'optim', 'nn', 'autograd', 'kernels', 'gpu', 'weights', 'data'],
  plan: ['models', 'optim', 'nn', 'autograd', 'kernels', 'gpu'],
  models: ['optim', 'nn', 'autograd', 'kernels', 'gpu', 'weights'],
  optim: ['nn', 'autograd', 'kernels', 'gpu'],
  nn: ['autograd', 'kernels', 'gpu', 'random'],
  autograd: ['kernels', 'gpu'],
  kernels: ['gpu'],
  gpu: [],
  weights: [],
  data: ['random'],
  // torch's random generator, for initial weights and for the draws of data.
  random: [],
  // The verdict on a network's answers: numbers and words, without engine or device.
  judge: [],
  // Pictures for people (of a run, of predictions), drawn pictures to learn from, and downloads.
  pictures: ['data'],
  demo: ['data'],
  fetch: [],
  // WebGPU's requirements of this system. In plain JavaScript, because set-up uses it before any package is installed.
  driver: [],
};

const SHARED: readonly string[] = [
  'src/called.ts',
  'src/errors.ts',
  'src/input-spec.ts',
  'src/make-folder.ts',
  'src/optional.ts',
  'src/printable.ts',
];

/**
 * The engine, which also runs in a browser, and its two files that need Node: the device, and the shaders of a
 * checkout. In the package a generated module replaces the second.
 */
const ENGINE = new Set(['models', 'optim', 'nn', 'autograd', 'kernels', 'gpu', 'random']);
const HOST_FILES = new Set(['src/gpu/dawn.ts', 'src/kernels/templates.ts']);

const MAX_LINES = 400;
const LONG_FILES: ReadonlySet<string> = new Set([]);

// Joined from parts, so that this file does not contain such paths itself.
const MACHINE_PATH = new RegExp(`(?<![\\w.])${['', 'work', ''].join('/')}|${['\\.\\.', 'shared'].join('/')}\\b`);

export type Files = ReadonlyMap<string, string>;

/** The module names that a text imports, re-exports or loads, including types. */
export function importsOf(text: string): string[] {
  const statement =
    /^[ \t]*(?:import\s+(?:type\s+)?(?:[\w$*{][^'";]*?\sfrom\s*)?|export\s+(?:type\s+)?[{*][^'";]*?\sfrom\s*)(['"])([^'"]+)\1/gm;
  const call = /^(.*?)\bimport\s*\(\s*(['"])([^'"]+)\2/gm;
  const inComment = /^\s*(\*|\/\/|\/\*)/;
  return [
    ...Array.from(text.matchAll(statement), (match) => match[2]!),
    ...Array.from(text.matchAll(call))
      .filter((match) => !inComment.test(match[1]!))
      .map((match) => match[3]!),
  ];
}

/** All problems of these files (with paths like `src/nn/linear.ts`), one line each. */
export function checkSources(files: Files): string[] {
  const problems: string[] = [];
  for (const [path, text] of files) {
    const lines = text.trimEnd().split('\n').length;
    if (lines > MAX_LINES && !LONG_FILES.has(path)) problems.push(`${path}: ${lines} lines, more than ${MAX_LINES}`);
    for (const name of importsOf(text)) {
      const problem = importProblem(path, name);
      if (problem) problems.push(`${path}: imports ${name}: ${problem}`);
    }
  }
  return [...problems, ...findCycles(files).map((cycle) => `cycle: ${cycle.join(' -> ')}`)];
}

function importProblem(path: string, name: string): string | undefined {
  const folder = folderOf(path);
  if (!name.startsWith('.')) {
    if (ENGINE.has(folder) && !HOST_FILES.has(path)) {
      return `the engine imports no package and nothing of Node except in ${[...HOST_FILES].join(' and ')}`;
    }
    return undefined;
  }
  const target = posix.join(posix.dirname(path), name);
  if (!/\.(ts|mjs|json)$/.test(name)) return 'a relative import ends in .ts';
  if (SHARED.includes(target)) return undefined;
  if (!target.startsWith('src/')) return 'src imports nothing outside src';
  const allowed = ALLOWED[folder];
  if (folder === '') return undefined; // a file beside the folders, such as an index, may gather them
  if (!allowed) return `folder src/${folder} is unknown to test/support/imports.ts`;
  const to = folderOf(target);
  if (to === folder || allowed.includes(to)) return undefined;
  const free = allowed.length > 0 ? allowed.map((one) => `src/${one}`).join(', ') : 'no other folder';
  return `src/${folder} may import ${SHARED.join(', ')} and ${free}`;
}

/** Gives `nn` for src/nn/layers/conv.ts, and '' for src/errors.ts. */
function folderOf(path: string): string {
  const parts = path.split('/');
  return parts.length > 2 ? parts[1]! : '';
}

/**
 * All that a file imports, directly or not, including types: files of src/ with itself, and packages and Node modules.
 */
export function reachedFrom(files: Files, entry: string): { files: string[]; packages: string[] } {
  const reached = new Set<string>();
  const packages = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    const text = files.get(path);
    if (text === undefined) throw new Error(`There is no ${path}.`);
    reached.add(path);
    for (const name of importsOf(text)) {
      if (name.startsWith('.')) visit(posix.join(posix.dirname(path), name));
      else packages.add(name);
    }
  };
  visit(entry);
  return { files: [...reached].sort(), packages: [...packages].sort() };
}

/** Lists each cycle of imports once, as its files with the first repeated at the end. */
export function findCycles(files: Files): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const stack: string[] = [];
  const visit = (path: string): void => {
    const start = stack.indexOf(path);
    if (start >= 0) {
      cycles.push([...stack.slice(start), path]);
      return;
    }
    if (done.has(path)) return;
    stack.push(path);
    for (const name of importsOf(files.get(path) ?? '')) {
      const target = posix.join(posix.dirname(path), name);
      if (name.startsWith('.') && files.has(target)) visit(target);
    }
    stack.pop();
    done.add(path);
  };
  for (const path of files.keys()) visit(path);
  return cycles;
}

/** Finds lines with a path of the machine where they were written, which other machines do not have. */
export function machinePaths(path: string, text: string): string[] {
  if (path === '.ci/run') return []; // the one file that looks for data beside the checkout
  return text.split('\n').flatMap((line, index) => {
    const match = MACHINE_PATH.exec(line);
    return match ? [`${path}:${index + 1}: names ${match[0]}`] : [];
  });
}

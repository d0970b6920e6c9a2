/** The source follows the rules of test/support/imports.ts, and the checker finds violations of them. */

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { checkSources, type Files, findCycles, importsOf, machinePaths, reachedFrom } from './support/imports.ts';
import { skipUnless } from './support/skip.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function sources(): Files {
  const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const paths = names.map((name) => `src/${name.replaceAll('\\', '/')}`).filter((path) => /\.(ts|mjs)$/.test(path));
  return new Map(paths.sort().map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

/** Files that git tracks. Others may be a user's runs, whose config contains the path of the pictures. */
function repositoryFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return listed.split('\0').filter((path) => path !== '' && existsSync(join(root, path)));
}

describe('this repository', () => {
  test('src follows the import rules and has no cycles and no long files', () => {
    expect(checkSources(sources())).toEqual([]);
  });

  test.each([
    // In the package, another module stands in for templates.ts, and it imports neither.
    ['src/engine.ts', ['eta', 'node:url']],
    ['src/engine-node.ts', ['eta', 'node:os', 'node:url', 'webgpu']],
  ])('%s imports only the engine', (entry, packages) => {
    const reached = reachedFrom(sources(), entry);
    expect(reached.packages).toEqual(packages);
    const folders = new Set(reached.files.map((path) => path.split('/').slice(1, -1)[0] ?? ''));
    expect([...folders].sort()).toEqual(['', 'autograd', 'gpu', 'kernels', 'models', 'nn', 'optim', 'random']);
  });

  test('the same check finds the rest in src/index.ts', () => {
    const { files, packages } = reachedFrom(sources(), 'src/index.ts');
    expect(packages).toEqual(expect.arrayContaining(['@observablehq/plot', 'fontkit', 'sharp', 'undici', 'yauzl']));
    expect(files).toEqual(expect.arrayContaining(['src/data/index.ts', 'src/weights/index.ts', 'src/fetch/index.ts']));
  });

  const gitTest = skipUnless(existsSync(join(root, '.git')), 'not a git checkout, so its files cannot be listed');
  gitTest('no file contains a path of the machine it was written on', () => {
    const problems = repositoryFiles().flatMap((path) => {
      const bytes = readFileSync(join(root, path));
      return bytes.includes(0) ? [] : machinePaths(path, bytes.toString('utf8')); // a zero byte means not text
    });
    expect(problems).toEqual([]);
  });
});

describe('importsOf', () => {
  test('finds every form of import', () => {
    const text = `import './side-effect.ts';
import fallback from "double";
import type { A } from './type.ts';
import * as all from './star.ts';
import {
  many,
  lines,
} from './lines.ts';
export { b } from './re-export.ts';
export * from './re-star.ts';
export type { C } from './re-type.ts';
const lazy = await import('./lazy.ts');
type D = typeof import('./typeof.ts');
`;
    expect(importsOf(text)).toEqual([
      './side-effect.ts',
      'double',
      './type.ts',
      './star.ts',
      './lines.ts',
      './re-export.ts',
      './re-star.ts',
      './re-type.ts',
      './lazy.ts',
      './typeof.ts',
    ]);
  });

  test('ignores comments, strings and code that only looks like an import', () => {
    const text = `// import a from './a.ts';
/**
 * import b from './b.ts';
 * import('./c.ts')
 */
export const from = 'x';
export function load() {
  return Array.from('abc');
}
`;
    expect(importsOf(text)).toEqual([]);
  });
});

describe('planted violations', () => {
  const check = (files: Record<string, string>) => checkSources(new Map(Object.entries(files)));

  test.each([
    ['src/autograd/graph.ts', '../nn/module.ts'],
    ['src/gpu/queue.ts', '../kernels/launch.ts'],
    ['src/nn/ops/deep.ts', '../../train/loop.ts'],
    ['src/nn/layer.ts', '../data/random.ts'],
    ['src/train/loop.ts', '../cli/args.ts'],
    ['src/data/loader.ts', '../weights/atomic.ts'],
    ['src/weights/pth.ts', '../autograd/tensor.ts'],
    ['src/kernels/conv.ts', '../index.ts'],
    ['src/elsewhere/a.ts', '../gpu/device.ts'],
    ['src/cli/train.ts', '../../test/support/skip.ts'],
    ['src/cli/train.ts', '../train/loop'],
    ['src/gpu/queue.ts', 'node:fs'],
    ['src/gpu/queue.ts', 'fs'],
    ['src/nn/layer.ts', 'webgpu'],
    ['src/kernels/launch.ts', 'fs/promises'],
    ['src/kernels/launch.ts', 'eta'],
    ['src/random/stream.ts', '../data/loader.ts'],
    ['src/autograd/op.ts', '../random/stream.ts'],
  ])('%s may not import %s', (path, name) => {
    expect(check({ [path]: `import { x } from '${name}';\n` })).toEqual([
      expect.stringContaining(`${path}: imports ${name}: `),
    ]);
  });

  test.each([
    ['src/cli/train.ts', '../train/loop.ts'],
    ['src/cli/train.ts', '../gpu/device.ts'],
    ['src/cli/doctor.ts', 'node:os'],
    ['src/train/loop.ts', '../weights/atomic.ts'],
    ['src/nn/layer.ts', '../autograd/tensor.ts'],
    ['src/nn/blocks/basic.ts', '../layer.ts'],
    ['src/gpu/dawn.ts', 'webgpu'],
    ['src/kernels/templates.ts', 'node:fs'],
    ['src/kernels/templates.ts', 'eta'],
    ['src/data/loader.ts', '../random/stream.ts'],
    ['src/gpu/queue.ts', '../errors.ts'],
    ['src/data/loader.ts', 'node:worker_threads'],
    ['src/index.ts', './nn/layer.ts'],
  ])('%s may import %s', (path, name) => {
    expect(check({ [path]: `import { x } from '${name}';\n` })).toEqual([]);
  });

  test('a cycle is found once and named in full', () => {
    const files = new Map([
      ['src/nn/a.ts', "import './b.ts';\n"],
      ['src/nn/b.ts', "import type { C } from './c.ts';\n"],
      ['src/nn/c.ts', "export { a } from './a.ts';\n"],
      ['src/nn/d.ts', "import './a.ts';\n"],
    ]);
    expect(findCycles(files)).toEqual([['src/nn/a.ts', 'src/nn/b.ts', 'src/nn/c.ts', 'src/nn/a.ts']]);
    expect(checkSources(files)).toEqual(['cycle: src/nn/a.ts -> src/nn/b.ts -> src/nn/c.ts -> src/nn/a.ts']);
  });

  test('a long file is found', () => {
    expect(check({ 'src/nn/a.ts': `${'\n'.repeat(399)}// end\n` })).toEqual([]);
    expect(check({ 'src/nn/a.ts': `${'\n'.repeat(400)}// end\n` })).toEqual(['src/nn/a.ts: 401 lines, more than 400']);
  });

  test('a path of the machine is found', () => {
    const place = ['', 'work', 'main'].join('/');
    const beside = ['..', 'shared', 'data'].join('/');
    expect(machinePaths('README.md', `first\nsee ${place} or\n${beside}\n`)).toEqual([
      expect.stringContaining('README.md:2: names '),
      expect.stringContaining('README.md:3: names '),
    ]);
    expect(machinePaths('.ci/run', beside)).toEqual([]);
    expect(
      machinePaths(
        'README.md',
        `a ${['network', 'work', 'thing'].join('/')} of ${['..', 'shared_memory'].join('/')}, file.work/x`,
      ),
    ).toEqual([]);
  });
});

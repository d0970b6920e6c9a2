/** Without the optional dependencies, code that needs one names it, and everything else works. */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { loadOptional, MissingPackageError } from '../src/optional.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dawngrad-optional-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('loadOptional', () => {
  test('returns a package that is installed', async () => {
    expect(await loadOptional('path', 'A test', () => import('node:path'))).toHaveProperty('join');
  });

  test.each([
    ['is not installed', Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })],
    ['does not load (wrong ELF class)', new Error('wrong ELF class\nRequire stack: …')],
  ])('says that a package %s', async (reason, failure) => {
    const load = loadOptional('sharp', 'Reading pictures', () => Promise.reject(failure));
    await expect(load).rejects.toThrow(MissingPackageError);
    await expect(load).rejects.toThrow(
      `Reading pictures needs the package sharp, which ${reason}. Run \`npm install --include=optional sharp\`.`,
    );
  });
});

describe('without the optional dependencies', () => {
  const source = (path: string) => JSON.stringify(new URL(`../src/${path}`, import.meta.url).href);

  /** Runs a program and parses its output as JSON. */
  function run(program: string): unknown {
    const hook = new URL('support/without-packages.mjs', import.meta.url).href;
    const file = join(scratch, 'program.mts');
    writeFileSync(file, program);
    const args = ['--import', 'tsx', '--import', hook, pathToFileURL(file).href];
    // tsx is resolved from the working directory.
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    const script = `import(${JSON.stringify(args.pop())})`;
    return JSON.parse(
      execFileSync(process.execPath, [...args, '--input-type=module', '-e', script], { cwd, encoding: 'utf8' }),
    );
  }

  test('every entry loads, and plain pictures are read', () => {
    const picture = join(scratch, 'two.ppm');
    writeFileSync(picture, Buffer.concat([Buffer.from('P6\n2 1\n255\n'), Buffer.from([1, 2, 3, 4, 5, 6])]));
    const program = `
      const all = await import(${source('index.ts')});
      const { decode } = await import(${source('data/index.ts')});
      const { width, height, pixels } = await decode(${JSON.stringify(picture)});
      console.log(JSON.stringify([typeof all.openGpu, width, height, [...pixels]]));`;
    expect(run(program)).toEqual(['function', 2, 1, [1, 2, 3, 4, 5, 6]]);
  });

  test('an error names the missing package', () => {
    const picture = join(scratch, 'one.png');
    writeFileSync(picture, Buffer.from('89504e470d0a1a0a', 'hex'));
    cpSync(new URL('golden/data/heic/upright.heic', import.meta.url), `${picture}.heic`);
    writeFileSync(`${picture}.csv`, 'path,label\none.png,a\n');
    const program = `
      const { decode, findLayout, readSize, DecoderPool } = await import(${source('data/index.ts')});
      const { loadTypefaces } = await import(${source('pictures/text.ts')});
      const { drawPanel } = await import(${source('pictures/chart.ts')});
      const { writeDemoPictures } = await import(${source('demo/write.ts')});
      const { download } = await import(${source('fetch/download.ts')});
      const path = ${JSON.stringify(picture)};
      const told = async (attempt) => await attempt().then(() => 'nothing', ({ name, message }) => name + ': ' + message);
      console.log(JSON.stringify([
        await told(() => decode(path)),
        await told(() => decode(path + '.heic')),
        await told(() => findLayout(path + '.csv')),
        await told(() => readSize(path)),
        await told(() => loadTypefaces()),
        await told(() => drawPanel({}, {})),
        await told(() => writeDemoPictures(path + '-demo', { seed: 0 })),
        await told(() => download({ url: new URL('http://localhost:1/') }, path + '-new', {})),
      ]));`;
    const needs = (purpose: string, name: string) =>
      `MissingPackageError: ${purpose} needs the package ${name}, which is not installed. Run \`npm install --include=optional ${name}\`.`;
    expect(run(program)).toEqual([
      needs('Reading or writing pictures', 'sharp'),
      needs('Reading HEIC, the format of iPhones,', 'libheif-js'),
      needs('Reading a list of pictures', 'csv-parse'),
      needs('Reading or writing pictures', 'sharp'),
      needs('Text in pictures', 'fontkit'),
      needs('Drawing charts', '@observablehq/plot'),
      needs('Reading or writing pictures', 'sharp'),
      needs('Downloading', 'undici'),
    ]);
  });
});

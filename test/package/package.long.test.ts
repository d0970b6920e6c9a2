/**
 * The package as its users get it: packed, installed in an empty folder, compiled against, and run. Takes half a
 * minute, most of it in npm.
 */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect } from 'vitest';
import { compile, runExample, TYPE_SETTINGS, writeExamples } from '../../scripts/pack/examples.ts';
import {
  dawngrad,
  type Installed,
  MOST_BYTES,
  NoRegistryError,
  packAndInstall,
  packedOfCheckout,
  run,
} from '../../scripts/pack/install.ts';
import { writeDemoPictures } from '../../src/demo/index.ts';
import type { Prediction } from '../../src/predict/index.ts';
import { readSafetensors } from '../../src/weights/index.ts';
import { withGpu } from '../support/gpu.ts';
import { skipUnless } from '../support/skip.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dawngrad-package-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const { gpuTest } = await withGpu();
let missing = '';
const app: Installed = await packAndInstall(scratch, ['@types/node@20']).catch((error: unknown) => {
  if (!(error instanceof NoRegistryError)) throw error;
  missing = `${error.message}, and its cache does not hold all that the package needs`;
  return { folder: '', files: [], packedBytes: 0, unpackedBytes: 0 };
});
const packageTest = skipUnless(missing === '', missing);
/** A test that also needs a device. */
const deviceTest = missing === '' ? gpuTest : packageTest;

if (missing === '') writeExamples(app);

/** Milliseconds. If the driver's cache is empty, the software adapter first compiles every shader of a network. */
const COMPILING_TIMEOUT = 600_000;

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the content', () => {
  const paths = app.files.map(({ path }) => path);

  packageTest('has the built code, its types, every shader, and the sources that the types refer to', () => {
    expect(paths).toEqual(
      expect.arrayContaining([
        ...['package.json', 'README.md', 'LICENSE', 'examples/softmax.ts'],
        ...['dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js', 'dist/data/worker.js', 'src/index.ts'],
      ]),
    );
    for (const folder of ['shaders', 'src']) {
      const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
      const files = names.filter((name) => statSync(join(root, folder, name)).isFile());
      const expected = files.map((name) => `${folder}/${name.replaceAll('\\', '/')}`);
      expect(paths.filter((path) => path.startsWith(`${folder}/`)).sort()).toEqual(expected.sort());
    }
  });

  packageTest('has nothing else', async () => {
    const known =
      /^(package\.json|README\.md|LICENSE|examples\/[\w-]+\.ts|examples\/onnx-in-a-browser\/[\w-]+\.(html|mjs|md)|shaders\/[\w/-]+\.wgsl|src\/[\w/.-]+\.(ts|mjs)|dist\/[\w/.-]+\.(js|mjs|d\.ts|d\.mts|d\.ts\.map|d\.mts\.map))$/;
    // Also checks the checkout itself, which may hold stray files. Its dist/ does not count: packing replaces it.
    const there = (await packedOfCheckout()).filter((path) => !path.startsWith('dist/'));
    expect([...paths, ...there].filter((path) => !known.test(path))).toEqual([]);
    expect(app.packedBytes).toBeLessThan(MOST_BYTES.packed);
    expect(app.unpackedBytes).toBeLessThan(MOST_BYTES.unpacked);
  });
});

describe('types', () => {
  for (const [name, options] of Object.entries(TYPE_SETTINGS)) {
    packageTest(name, async () => {
      expect(await compile(app, options)).toBeUndefined();
    });
  }

  packageTest('a wrong use does not compile', async () => {
    const wrong = join(app.folder, 'ts', 'wrong.ts');
    writeFileSync(
      wrong,
      "import { openGpu } from 'dawngrad';\nconst gpu: string = await openGpu();\nexport default gpu;\n",
    );
    const errors = await compile(app, TYPE_SETTINGS['for a bundler']);
    rmSync(wrong);
    expect(errors).toMatch(/^ts\/wrong\.ts\(2,7\): error TS2322: Type 'Gpu' is not assignable/);
  });
});

describe('as a library', () => {
  packageTest('the examples compile', async () => {
    expect(await compile(app, TYPE_SETTINGS['Node’s types, no browser’s'], { emit: true })).toBeUndefined();
  });

  for (const name of ['training', 'stripes'] as const) {
    deviceTest(`${name}: the loss falls`, async () => {
      const { code, stdout, stderr } = await runExample(app, name);
      expect(code, stderr).toBe(0);
      const losses = Array.from(stdout.matchAll(/^step \d+: loss (\d\.\d{4})$/gm), ([, loss]) => Number(loss));
      expect(losses).toHaveLength(4);
      // The loss of chance between two classes is ln 2.
      expect(losses[0]).toBeGreaterThan(0.5);
      expect(losses.at(-1)).toBeLessThan(0.05);
    });
  }

  for (const name of ['custom-op', 'softmax'] as const) {
    deviceTest(`${name}: the gradient check passes`, async () => {
      const { code, stdout, stderr } = await runExample(app, name);
      expect(code, stderr).toBe(0);
      expect(stdout).toMatch(/^The gradient is right: relative error \d\.\de-[3-9]\.$/m);
      if (name === 'softmax') expect(stdout).toContain('softmax: 0.0900 0.2447 0.6652 0.0000 0.0000 1.0000\n');
    });
  }

  deviceTest('runs from JavaScript as an ES module or CommonJS script', async () => {
    const lines = `const { openGpu, relu, Tensor } = dawngrad;
      const gpu = await openGpu();
      console.log(...(await relu(Tensor.from(gpu, Float32Array.of(-1, 0, 2), [3])).data()));
      gpu.close();`;
    writeFileSync(join(app.folder, 'module.mjs'), `import * as dawngrad from 'dawngrad';\n${lines}`);
    writeFileSync(join(app.folder, 'script.cjs'), `import('dawngrad').then(async (dawngrad) => {\n${lines}\n});`);
    for (const file of ['module.mjs', 'script.cjs']) {
      const { code, stdout, stderr } = await run(process.execPath, [file], app.folder);
      expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: '0 0 2\n' });
    }
  });
});

const COMMANDS = [
  'train',
  'data',
  'predict',
  'serve',
  'eval',
  'convert',
  'export',
  'compare',
  'report',
  'tune',
  'doctor',
];

describe('as a command', () => {
  packageTest('--version and --help work, and anything else is wrong usage', async () => {
    const [version, help, none, unknown] = await Promise.all([
      dawngrad(app, ['--version'], { npx: true }),
      dawngrad(app, ['--help']),
      dawngrad(app, []),
      dawngrad(app, ['trian']),
    ]);
    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    const commands = Array.from(help.stdout.matchAll(/^ {2}([a-z]+) +\S/gm), ([, name]) => name);
    expect(help.code).toBe(0);
    expect(commands).toEqual(COMMANDS);
    expect(none).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/^dawngrad: no command given\n/) });
    expect(unknown).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^dawngrad: no such command: trian\n\nUsage: dawngrad <command>/),
    });
  });

  packageTest('the help of every command uses the name that it was called by', async () => {
    const helps = await Promise.all(COMMANDS.map((name) => dawngrad(app, [name, '--help'])));
    for (const [i, { code, stdout, stderr }] of helps.entries()) {
      expect(code, stderr).toBe(0);
      expect(stdout).toMatch(new RegExp(`^Usage: npx dawngrad ${COMMANDS[i]} `));
      expect(stdout).not.toContain('npm run');
    }
  });

  deviceTest(
    'train, predict, convert and the inference example work',
    async () => {
      const data = join(app.folder, 'pictures');
      await writeDemoPictures(data, { seed: 0, counts: { train: 4, val: 2 } });
      const tiny = ['--weights', 'none', '--epochs', '1', '--image-size', '32', '--threads', '2', '--mode', 'extract'];
      const trained = await dawngrad(app, ['train', '--data', data, ...tiny, '--out', 'runs/insects']);
      expect(trained.code, trained.stderr).toBe(0);
      expect(trained.stdout).toMatch(/^val Loss: \d+\.\d{4} Acc: \d\.\d{4}$/m);

      const weights = join('runs', 'insects', 'best.safetensors');
      const converted = await dawngrad(app, ['convert', weights, 'copy.safetensors']);
      expect(converted.code, converted.stderr).toBe(0);
      expect(readSafetensors(join(app.folder, 'copy.safetensors')).tensors.size).toBe(122);

      const picture = join(data, 'val', 'ants', readdirSync(join(data, 'val', 'ants'))[0]!);
      const predicted = await dawngrad(app, ['predict', '--weights', weights, '--json', picture]);
      expect(predicted.code, predicted.stderr).toBe(0);
      expect(JSON.stringify(JSON.parse(predicted.stdout.trim().split('\n')[0]!) as Prediction)).toMatch(/ants|bees/);

      // A PNG with another name: the first bytes decide the format.
      copyFileSync(picture, join(app.folder, 'photo.jpg'));
      const { code, stdout, stderr } = await runExample(app, 'inference');
      expect(code, stderr).toBe(0);
      expect(stdout).toMatch(/^photo\.jpg: (ants|bees) \(\d+\.\d %\)\n$/);
    },
    COMPILING_TIMEOUT,
  );

  deviceTest('doctor finds no problem', async () => {
    const { code, stdout } = await dawngrad(app, ['doctor']);
    expect(code, stdout).toBe(0);
    expect(stdout).toContain('All good');
  });

  const linuxTest = skipUnless(
    missing === '' && process.platform === 'linux',
    missing || 'only Vulkan can be told that it has no drivers',
  );
  linuxTest('without an adapter, doctor and train say what to do', async () => {
    const nowhere = { VK_DRIVER_FILES: '/nowhere.json', VK_ICD_FILENAMES: '/nowhere.json' };
    const [doctor, train] = await Promise.all([
      dawngrad(app, ['doctor'], { env: nowhere }),
      dawngrad(app, ['train', '--data', join(app.folder, 'pictures'), '--weights', 'none', '--out', 'none'], {
        env: nowhere,
      }),
    ]);
    expect(doctor).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('What to do:\n  VK_DRIVER_FILES=/nowhere.json'),
    });
    expect(train).toMatchObject({ code: 1, stderr: expect.stringContaining('`npx dawngrad doctor`') });
    expect(existsSync(join(app.folder, 'none', 'summary.json'))).toBe(false);
  });
});

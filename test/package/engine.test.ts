/** `dawngrad/engine` as a browser gets it: built, bundled, and run without modules of Node or code from text. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { bundle, evaluations } from '../../scripts/pack/bundle.ts';
import { documentedExamples } from '../../scripts/pack/examples.ts';
import { buildPackage, run } from '../../scripts/pack/install.ts';
import { withGpu } from '../support/gpu.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dawngrad-engine-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const { gpuTest } = await withGpu();
const folder = await buildPackage(scratch);
const ENGINE = "export * from 'dawngrad/engine';";

/** Turns a program for the whole package into one for the engine. */
const ofEngine = (program: string) => program.replaceAll("from 'dawngrad'", "from 'dawngrad/engine'");

/** Packages that a page does not need or cannot load. */
const HEAVY =
  /node_modules\/(sharp|fontkit|undici|yauzl|linkedom|@observablehq|eta|dejavu-fonts-ttf|cli-progress|fflate)\//;

describe('dawngrad/engine for a browser', async () => {
  const plain = await bundle(folder, ENGINE);

  test('is bundled from this package only, without modules of Node', () => {
    expect(plain.warnings).toEqual([]);
    expect(plain.external).toEqual([]);
    expect(plain.inputs.filter((path) => !/(^|\/)checkout\/dist\/|^<stdin>$/.test(path))).toEqual([]);
    const folders = plain.inputs.map((path) => /checkout\/dist\/([^/]+)\//.exec(path)?.[1] ?? '');
    expect([...new Set(folders)].sort()).toEqual(['', 'autograd', 'gpu', 'kernels', 'models', 'nn', 'optim', 'random']);
  });

  test('turns no text into code', () => {
    expect(evaluations(plain.code)).toEqual([]);
  });

  test('is small', async () => {
    const { code } = await bundle(folder, ENGINE, { minify: true });
    expect(code.length).toBeLessThan(500_000);
    expect(gzipSync(code, { level: 9 }).length).toBeLessThan(140_000);
  });

  test('reports missing WebGPU', async () => {
    const file = join(folder, 'no-webgpu.mjs');
    writeFileSync(file, plain.code);
    const script =
      "import { openGpu } from './no-webgpu.mjs'; await openGpu().catch((e) => console.log(e.name, e.message));";
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], folder);
    expect(stdout).toMatch(/^NoAdapterError openGpu: there is no WebGPU here \(navigator\.gpu\)/);
  });
});

describe('dawngrad/engine under Node', () => {
  test('includes Dawn and none of the heavy packages', async () => {
    const { external, inputs } = await bundle(folder, ENGINE, { platform: 'node' });
    expect(external).toEqual(['node:os', 'webgpu']);
    expect(inputs.filter((path) => HEAVY.test(path))).toEqual([]);
    expect(inputs.some((path) => path.endsWith('dist/gpu/dawn.js'))).toBe(true);
  });

  test('dawngrad itself fails the same check', async () => {
    await expect(bundle(folder, "export * from 'dawngrad';")).rejects.toThrow(/Could not resolve "node:/);
  });

  test('has the same classes as dawngrad, so that the two work together', async () => {
    const script = `import * as all from 'dawngrad'; import * as engine from 'dawngrad/engine';
      console.log(Object.keys(engine).filter((name) => engine[name] !== all[name]).join() || 'all the same');`;
    const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], folder);
    expect(stdout, stderr).toBe('all the same\n');
  });
});

describe('a program', () => {
  /** Prints the bits of the losses and of the last weights. */
  const STEPS = `
    import { backward, BasicBlock, Conv2d, crossEntropy, flatten, Generator, globalAvgPool2d } from 'dawngrad/engine';
    import { elementwise, Linear, maxPool2d, openGpu, pipe, SGD, scope, Tensor } from 'dawngrad/engine';
    const gpu = await openGpu();
    const random = new Generator(1);
    const conv = new Conv2d(gpu, 3, 8, { kernelSize: 3, padding: 1, random });
    const block = new BasicBlock(gpu, 8, 16, { stride: 2, random });
    const head = new Linear(gpu, 16, 3, { random });
    const half = elementwise({ name: 'half', inputs: ['x'], wgsl: '0.5 * x' });
    const optimizer = new SGD([conv, block, head].flatMap((m) => m.parameters()), { lr: 0.1, momentum: 0.9 });
    const pooled = (x) => maxPool2d(x, { kernelSize: 3, stride: 2, padding: 1 });
    const print = async (...tensors) => {
      for (const tensor of tensors) console.log(new Uint32Array((await tensor.data()).buffer).join(' '));
    };
    for (let step = 0; step < 3; step++) {
      const pixels = random.fillUniform(new Float32Array(4 * 3 * 16 * 16), -1, 1);
      const loss = scope(() => {
        const images = half(Tensor.from(gpu, pixels, [4, 3, 16, 16]));
        const logits = pipe(images, conv, pooled, block, globalAvgPool2d, flatten, head);
        const result = crossEntropy(logits, Tensor.from(gpu, Uint32Array.of(0, 1, 2, 1), [4]));
        backward(result);
        return result;
      });
      optimizer.step();
      optimizer.zeroGrad();
      await print(loss);
    }
    await print(head.weight, conv.weight);
    gpu.close();`;

  /** Sets navigator.gpu as in a browser, but to Dawn: the adapter is that of Node, so bits can be compared. */
  const HOST = `
    import { create, globals } from '${import.meta.resolve('webgpu')}';
    Object.assign(globalThis, globals);
    Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) } });`;

  /** Runs a program in a Node that forbids code from text. */
  async function runStrictly(file: string): Promise<string> {
    const { code, stdout, stderr } = await run(
      process.execPath,
      ['--disallow-code-generation-from-strings', file],
      folder,
    );
    expect(code, stderr.slice(-2000)).toBe(0);
    return stdout;
  }

  /** Bundles a program for a browser and runs the bundle. */
  async function runAsInBrowser(name: string, program: string): Promise<string> {
    writeFileSync(join(folder, `${name}-bundle.mjs`), (await bundle(folder, program)).code);
    writeFileSync(join(folder, `${name}-host.mjs`), `${HOST}\nawait import('./${name}-bundle.mjs');\n`);
    return runStrictly(join(folder, `${name}-host.mjs`));
  }

  gpuTest('bundled for a browser trains to the same bits as under Node, with code from text forbidden', async () => {
    writeFileSync(join(folder, 'steps.mjs'), STEPS);
    const ofNode = await runStrictly(join(folder, 'steps.mjs'));
    expect(ofNode.split('\n')).toHaveLength(6);
    expect(await runAsInBrowser('steps', STEPS)).toBe(ofNode);
  });

  const [training, customOp] = documentedExamples();
  const softmax = readFileSync(new URL('../../examples/softmax.ts', import.meta.url), 'utf8');
  for (const [name, program, output] of [
    ['training', training!, /^(step \d+: loss \d\.\d+\n){3}step 60: loss 0\.0[0-4]\d\d\n$/],
    ['custom-op', customOp!, /^The gradient is right: relative error \d\.\de-[3-9]\.\n$/],
    ['softmax', softmax, /^The gradient is right: relative error \d\.\de-[3-9]\.$/m],
  ] as const) {
    gpuTest(`example ${name} runs unchanged with dawngrad/engine in the place of dawngrad`, async () => {
      expect(await runAsInBrowser(name, ofEngine(program))).toMatch(output);
    });
  }
});

describe('evaluations', () => {
  test.each([
    'eval(text)',
    'x = eval ("1")',
    '(0,eval)(text)',
    'globalThis.eval(text)',
    'new Function("return 1")',
    'Function("k", text)',
    'const make = asynchronous ? other : Function',
    'const AsyncFunction = (async () => {}).constructor',
    'setTimeout("go()", 1)',
    'import("data:text/javascript,1")',
  ])('finds %s', (code) => {
    expect(evaluations(`const before = 1; ${code};`)).toHaveLength(1);
  });

  test.each([
    'model.eval()',
    'eval() { return this.train(false); }',
    'new MyFunction()',
    'setTimeout(go, 1)',
    '// eval mode',
  ])('ignores %s', (code) => {
    expect(evaluations(code)).toEqual([]);
  });
});

/** `dawngrad/engine` as a browser gets it: built, bundled, and run where no text becomes code and nothing of Node is at hand. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { bundle, evaluations } from '../../scripts/pack/bundle.ts';
import { buildPackage, run } from '../../scripts/pack/install.ts';
import { withGpu } from '../support/gpu.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dawngrad-engine-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const { gpuTest } = await withGpu();
const folder = await buildPackage(scratch);
const ENGINE = "export * from 'dawngrad/engine';";

/** Packages that a page has no use for, or cannot have. */
const HEAVY =
  /node_modules\/(sharp|fontkit|undici|yauzl|linkedom|@observablehq|eta|dejavu-fonts-ttf|cli-progress|fflate)\//;

describe('dawngrad/engine for a browser', async () => {
  const plain = await bundle(folder, ENGINE);

  test('is bundled without anything of Node, and of no package but this', () => {
    expect(plain.warnings).toEqual([]);
    expect(plain.external).toEqual([]);
    expect(plain.inputs.filter((path) => !/(^|\/)checkout\/dist\/|^<stdin>$/.test(path))).toEqual([]);
    const folders = plain.inputs.map((path) => /checkout\/dist\/(.*)\/[^/]*$/.exec(path)?.[1] ?? '');
    expect([...new Set(folders)].sort()).toEqual(['', 'autograd', 'autograd/ops', 'gpu', 'kernels', 'nn', 'random']);
  });

  test('makes no code of text', () => {
    expect(evaluations(plain.code)).toEqual([]);
  });

  test('is small', async () => {
    const { code } = await bundle(folder, ENGINE, { minify: true });
    expect(code.length).toBeLessThan(250_000);
    expect(gzipSync(code, { level: 9 }).length).toBeLessThan(70_000);
  });

  test('says what is missing where there is no WebGPU', async () => {
    const file = join(folder, 'no-webgpu.mjs');
    writeFileSync(file, plain.code);
    const script =
      "import { openGpu } from './no-webgpu.mjs'; await openGpu().catch((e) => console.log(e.name, e.message));";
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], folder);
    expect(stdout).toMatch(/^NoAdapterError openGpu: there is no WebGPU here \(navigator\.gpu\)/);
  });
});

describe('dawngrad/engine under Node', () => {
  test('brings Dawn with it, and none of the heavy packages', async () => {
    const { external, inputs } = await bundle(folder, ENGINE, { platform: 'node' });
    expect(external).toEqual(['node:os', 'webgpu']);
    expect(inputs.filter((path) => HEAVY.test(path))).toEqual([]);
    expect(inputs.some((path) => path.endsWith('dist/gpu/dawn.js'))).toBe(true);
  });

  test('unlike dawngrad itself, as the same check sees', async () => {
    await expect(bundle(folder, "export * from 'dawngrad';")).rejects.toThrow(/Could not resolve "node:/);
  });

  test('has the classes of dawngrad, so that the two go together', async () => {
    const script = `import * as all from 'dawngrad'; import * as engine from 'dawngrad/engine';
      console.log(Object.keys(engine).filter((name) => engine[name] !== all[name]).join() || 'all the same');`;
    const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], folder);
    expect(stdout, stderr).toBe('all the same\n');
  });
});

describe('a training step', () => {
  /** Prints the losses' bits and the last weights'. */
  const STEPS = `
    const { backward, BasicBlock, Conv2d, crossEntropy, flatten, Generator, globalAvgPool2d, Linear, maxPool2d } = engine;
    const { pipe, SGD, scope, Tensor, elementwise } = engine;
    const gpu = await engine.openGpu({ adapter: 'software' });
    const random = new Generator(1);
    const conv = new Conv2d(gpu, 3, 8, { kernelSize: 3, padding: 1, random });
    const block = new BasicBlock(gpu, 8, 16, { stride: 2, random });
    const head = new Linear(gpu, 16, 3, { random });
    const half = elementwise({ name: 'half', inputs: ['x'], wgsl: '0.5 * x' });
    const optimizer = new SGD([conv, block, head].flatMap((m) => m.parameters()), { lr: 0.1, momentum: 0.9 });
    const labels = Uint32Array.of(0, 1, 2, 1);
    const bits = (values) => [...new Uint32Array(values.buffer, values.byteOffset, values.length)].join(' ');
    for (let step = 0; step < 3; step++) {
      const pixels = random.fillUniform(new Float32Array(4 * 3 * 16 * 16), -1, 1);
      const loss = scope(() => {
        const images = half(Tensor.from(gpu, pixels, [4, 3, 16, 16]));
        const pooled = (x) => maxPool2d(x, { kernelSize: 3, stride: 2, padding: 1 });
        const result = crossEntropy(pipe(images, conv, pooled, block, globalAvgPool2d, flatten, head), Tensor.from(gpu, labels, [4]));
        backward(result);
        return result;
      });
      optimizer.step();
      optimizer.zeroGrad();
      print(bits(await loss.data()));
    }
    print(bits(await head.weight.data()), bits(await conv.weight.data()));
    gpu.close();`;

  /** Runs it in a Node that lets no text become code. */
  async function runSteps(name: string, imports: string): Promise<string> {
    const file = join(folder, name);
    writeFileSync(file, `const print = console.log;\n${imports}\n${STEPS}`);
    const { code, stdout, stderr } = await run(
      process.execPath,
      ['--disallow-code-generation-from-strings', file],
      folder,
    );
    expect(code, stderr).toBe(0);
    return stdout;
  }

  gpuTest(
    'of the browser’s bundle gives the bits that Node’s engine gives, with code from strings forbidden',
    async () => {
      writeFileSync(join(folder, 'bundle.mjs'), (await bundle(folder, ENGINE)).code);
      // navigator.gpu as a browser has it, but Dawn's: the adapter is the same then.
      const ofBrowser = await runSteps(
        'browser.mjs',
        `import { create, globals } from '${import.meta.resolve('webgpu')}';
      Object.assign(globalThis, globals);
      const gpu0 = create([]);
      Object.defineProperty(globalThis, 'navigator', { value: { gpu: gpu0 } });
      const engine = await import('./bundle.mjs');
      setTimeout(() => gpu0, 1e9).unref();`,
      );
      const ofNode = await runSteps('node.mjs', "import * as engine from 'dawngrad/engine';");
      expect(ofNode.split('\n')).toHaveLength(5);
      expect(ofBrowser).toBe(ofNode);
    },
  );
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
  ])('sees %s', (code) => {
    expect(evaluations(`const before = 1; ${code};`)).toHaveLength(1);
  });

  test.each([
    'model.eval()',
    'eval() { return this.train(false); }',
    'new MyFunction()',
    'setTimeout(go, 1)',
    '// eval mode',
  ])('passes over %s', (code) => {
    expect(evaluations(code)).toEqual([]);
  });
});

/** `dawngrad/engine` in headless Chromium and in Node on the same driver: the content of a bundle, and equal bits. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { bundle, evaluations } from '../../scripts/pack/bundle.ts';
import { buildPackage, run } from '../../scripts/pack/install.ts';
import { findChromium, runInChromium, swiftShaderOnly } from '../browser/chromium.ts';
import type { All, Bits, Computed, Opened } from '../browser/work.ts';
import { type Outcome, type Row, Skipped, scientific } from '../row.ts';

/** Relative to the largest value. Another order of sums or a fused multiply-add stays within it. */
const BAR = 1e-6;
const PAGE_TIMEOUT_MS = 240_000;

const here = (name: string) => fileURLToPath(new URL(`../browser/${name}`, import.meta.url));

export const browserEngine: Row = {
  name: 'browser-engine',
  title:
    'dawngrad/engine bundled for browsers, and trained with in headless Chromium and in Node on SwiftShader: equal bits',
  minutes: 1,
  ci: true,
  alone: true,
  run: async ({ scratch }) => {
    const folder = await buildPackage(scratch);
    const bundled = await bundleOutcomes(folder);
    const chromium = findChromium();
    if ('missing' in chromium) throw new Skipped(chromium.missing, bundled);
    const page = await inPage(chromium.program, folder, scratch);
    const node = await inNode(folder, page.opened);
    const { traits } = page.opened;
    console.log(`  page: ${page.agent}`);
    console.log(
      `  its adapter: ${traits.description}, subgroups of ${traits.subgroupSize}; ${(page.ms / 1000).toFixed(1)} s of work`,
    );
    console.log(`  Node: ${node.description}${node.missing.length > 0 ? `, without ${node.missing.join(', ')}` : ''}`);
    return [
      ...bundled,
      {
        what: 'whether the page can turn text into code, against its content security policy',
        figure: page.evaluates ? 'yes' : 'no',
        bar: 'no',
        holds: !page.evaluates,
      },
      choices(page.computed, node.computed),
      ...Object.entries(COMPARED).map(([key, what]) => {
        const name = key as keyof All;
        return difference(what, page.computed[name].bits, node.computed[name].bits);
      }),
    ];
  },
};

async function bundleOutcomes(folder: string): Promise<Outcome[]> {
  // Bundling fails if a module of Node is imported.
  const { code, external, inputs, warnings } = await bundle(folder, "export * from 'dawngrad/engine';", {
    minify: true,
  });
  const others = inputs.filter((path) => !path.includes('checkout/dist/') && path !== '<stdin>');
  const found = [...external.map((name) => `import ${name}`), ...others, ...warnings, ...evaluations(code)];
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`;
  const size = `${kib(code.length)}, gzipped ${kib(gzipSync(code, { level: 9 }).length)}, of ${inputs.length - 1} modules`;
  return [
    {
      what: 'dawngrad/engine in one minified file for a browser',
      figure: found.length > 0 ? `${size}; with ${found.join('; ')}` : size,
      bar: 'no other package, nothing of Node, no eval or Function',
      holds: found.length === 0,
    },
  ];
}

interface FromPage {
  readonly computed: All;
  readonly opened: Opened;
  readonly agent: string;
  readonly evaluates: boolean;
  readonly ms: number;
}

const PAGE = `
import * as engine from 'dawngrad/engine';
import { computeAll, describeDevice } from ${JSON.stringify(here('work.ts'))};

const post = (path, body) => fetch(path, { method: 'POST', body });
try {
  let evaluates = true;
  try { new Function(''); } catch { evaluates = false; }
  const gpu = await engine.openGpu();
  const start = performance.now();
  const computed = await computeAll(engine, gpu);
  const ms = performance.now() - start;
  await post('/result', JSON.stringify({ computed, opened: describeDevice(gpu), agent: navigator.userAgent, evaluates, ms }));
} catch (error) {
  await post('/failure', String(error?.stack ?? error));
}`;

async function inPage(program: string, folder: string, scratch: string): Promise<FromPage> {
  const { code } = await bundle(folder, PAGE);
  const options = { profile: join(scratch, 'profile'), timeoutMs: PAGE_TIMEOUT_MS };
  return JSON.parse(await runInChromium(program, code, options)) as FromPage;
}

interface FromNode {
  readonly computed: All;
  readonly description: string;
  /** Features of the page's device that Dawn's lacks. */
  readonly missing: readonly string[];
}

async function inNode(folder: string, opened: Opened): Promise<FromNode> {
  const [engine, work, device] = ['engine.mjs', 'work.mjs', 'opened.json'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(engine, "export * from 'dawngrad/engine';\n");
  writeFileSync(work, (await bundle(folder, `export * from ${JSON.stringify(here('work.ts'))};`)).code);
  writeFileSync(device, JSON.stringify(opened));
  const env = { ...process.env, ...swiftShaderOnly() };
  const { code, stdout, stderr } = await run(
    process.execPath,
    [here('node-side.mjs'), engine, work, device],
    folder,
    env,
  );
  if (code !== 0) throw new Error(`Node ended with status ${code}:\n${stderr}`);
  return JSON.parse(stdout) as FromNode;
}

const COMPARED: Readonly<Record<keyof All, string>> = {
  training: 'losses, gradients and weights of five steps',
  ops: 'ops one by one, from equal inputs',
  gpuOps: 'ops one by one, by the kernels of a GPU',
};

function choices(page: All, node: All): Outcome {
  const of = (all: All) => Object.values(all).map((computed: Computed) => computed.choices);
  const same = JSON.stringify(of(page)) === JSON.stringify(of(node));
  const count = of(page).reduce((sum, chosen) => sum + Object.keys(chosen).length, 0);
  return { what: 'kernel choices', figure: same ? `${count}, the same` : 'different', bar: 'the same', holds: same };
}

/** Finds the values with different bits, and their largest difference. */
function difference(what: string, page: Bits, node: Bits): Outcome {
  const names = [...new Set([...Object.keys(page), ...Object.keys(node)])];
  const apart = names.flatMap((name) => {
    const [a = [], b = []] = [page[name], node[name]];
    if (a.length === b.length && a.length > 0 && a.every((bits, i) => bits === b[i])) return [];
    return [{ name, error: largestError(floats(a), floats(b)) }];
  });
  for (const { name, error } of apart) console.log(`  ${what}: ${name} differs by ${scientific(error)}`);
  const values = names.reduce((sum, name) => sum + (page[name]?.length ?? 0), 0);
  const worst = Math.max(0, ...apart.map(({ error }) => error));
  return {
    what,
    figure:
      apart.length === 0
        ? `all ${names.length} tensors (${values} values) have equal bits`
        : `${names.length - apart.length} of ${names.length} tensors have equal bits, the others differ by up to ${scientific(worst)}`,
    bar: `equal bits, or within ${scientific(BAR)} of the largest value, each listed above`,
    holds: names.length > 0 && worst <= BAR,
  };
}

const floats = (bits: readonly number[]) => new Float32Array(Uint32Array.from(bits).buffer);

/** Relative to the largest value; infinite if one has NaNs or another length. */
function largestError(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length || a.length === 0) return Number.POSITIVE_INFINITY;
  const scale = a.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
  const error = a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0) / scale;
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}

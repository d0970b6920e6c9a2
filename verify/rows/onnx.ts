/**
 * ONNX's tests of single ops, and of what PyTorch exports, as far as our ops can say them. DAWNGRAD_ONNX names their
 * folder; without it, that of Debian's package libonnx-testdata is taken.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openGpu } from '../../src/gpu/dawn.ts';
import type { AdapterTraits, Gpu } from '../../src/gpu/gpu.ts';
import { claim, poison } from '../../test/support/poison.ts';
import { DIFFERENCES } from '../onnx/differences.ts';
import { type Result, runTest } from '../onnx/run.ts';
import { atLeast, type Outcome, type Row, Skipped } from '../row.ts';

const DEBIAN = '/usr/share/libonnx-testdata/data';
/** ONNX's tests of each op, models of one PyTorch module, and of one PyTorch function. */
const FOLDERS = ['node', 'pytorch-converted', 'pytorch-operator'];
const NODE_TESTS = 'node';
/** How many of ONNX's own tests must be expressible. Version 1.12 has 524: fewer would hide ops that do not run. */
const LEAST = 500;
const KINDS: readonly AdapterTraits['kind'][] = ['cpu', 'gpu'];

interface Judged {
  /** The folder and the test. */
  readonly name: string;
  readonly result: Result;
}

export const onnx: Row = {
  name: 'onnx',
  title: "ONNX's tests of every op that we have, with the kernels of both kinds of adapter, memory poisoned",
  minutes: 2,
  ci: true,
  alone: true,
  run: async () => {
    const root = process.env.DAWNGRAD_ONNX || DEBIAN;
    if (!existsSync(join(root, NODE_TESTS))) {
      const how = 'Debian: apt-get install libonnx-testdata; elsewhere set DAWNGRAD_ONNX';
      throw new Skipped(`${root} has no ONNX tests (${how})`);
    }
    const outcomes: Outcome[] = [];
    for (const kind of KINDS) {
      const gpu = await openGpu();
      claim(gpu, { kind });
      poison(gpu);
      try {
        const judged = await runAll(gpu, root);
        if (kind === KINDS[0]) report(judged);
        outcomes.push(...outcomesOf(judged, `kernels for a ${kind}`));
      } finally {
        gpu.close();
      }
    }
    return outcomes;
  },
};

async function runAll(gpu: Gpu, root: string): Promise<Judged[]> {
  const judged: Judged[] = [];
  for (const folder of FOLDERS) {
    if (!existsSync(join(root, folder))) throw new Error(`${root} has no folder ${folder}.`);
    for (const test of readdirSync(join(root, folder)).sort()) {
      judged.push({ name: `${folder}/${test}`, result: await runTest(gpu, join(root, folder, test)) });
    }
  }
  return judged;
}

/** Prints why tests were left out, and the documented differences. */
function report(judged: readonly Judged[]): void {
  const missing = new Map<string, number>();
  const reasons = new Map<string, number>();
  const count = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
  for (const { result } of judged) {
    if (result.kind !== 'not expressible') continue;
    if (result.missing) count(missing, result.missing);
    else count(reasons, result.reason);
  }
  const listed = (counts: Map<string, number>) =>
    [...counts]
      .sort(([, a], [, b]) => b - a)
      .map(([key, tests]) => `${key} ${tests}`)
      .join(', ');
  console.log(`  tests of ops that we do not have: ${listed(missing)}`);
  console.log(`  other tests left out: ${listed(reasons)}`);
  for (const [name, { output, reason }] of Object.entries(DIFFERENCES)) console.log(`  ${name}, ${output}: ${reason}`);
}

function outcomesOf(judged: readonly Judged[], kernels: string): Outcome[] {
  const expressible = judged.filter(({ result }) => result.kind !== 'not expressible');
  const wrong = expressible.flatMap(({ name, result }) => problemOf(name, result));
  for (const problem of wrong) console.log(`  ${kernels}: ${problem}`);
  const unused = Object.keys(DIFFERENCES).filter((known) => !expressible.some(({ name }) => name === known));
  for (const name of unused) console.log(`  ${kernels}: there is no test ${name}, whose difference is documented`);
  const own = expressible.filter(({ name }) => name.startsWith(`${NODE_TESTS}/`)).length;
  const agree = expressible.flatMap(({ result }) => (result.kind === 'agrees' ? [result] : []));
  const documented = expressible.length - wrong.length - agree.length;
  const double = agree.filter((result) => result.double).length;
  return [
    {
      what: `${kernels}: tests that pass`,
      figure:
        `${agree.length} of ${expressible.length} expressible, ${double} of them with double precision rounded; ` +
        `${documented} differ as documented; ${judged.length} tests in all`,
      bar: 'all that do not differ as documented',
      holds: wrong.length === 0 && unused.length === 0,
    },
    atLeast(`${kernels}: ONNX's own tests that our ops can express`, own, LEAST, String),
  ];
}

/** What is wrong with a test, if anything. */
function problemOf(name: string, result: Result): string[] {
  const known = DIFFERENCES[name];
  const found = result.kind === 'differs' ? result.outputs : new Map<string, string>();
  const wrong = [...found].filter(([output]) => output !== known?.output).map(([output, what]) => `${output}: ${what}`);
  if (known && !found.has(known.output)) wrong.push(`${known.output} agrees, although a difference is documented`);
  return wrong.length > 0 ? [`${name} ${wrong.join('; ')}`] : [];
}

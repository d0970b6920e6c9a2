/** The generator of random programs: its range, and that PyTorch can run all its programs. Needs no device. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findTorchPython, NO_TORCH } from '../support/python.ts';
import { skipUnless } from '../support/skip.ts';
import { buildProgram } from './build.ts';
import { ALL_CAPABILITIES, CAPABILITIES, type Capabilities } from './capabilities.ts';
import { drafts } from './draft.ts';
import { whyIllegal } from './legal.ts';
import { OPS } from './ops/index.ts';
import { type Program, walk } from './program.ts';
import { TorchPrograms } from './torch.ts';
import { valuesOf } from './values.ts';

const SEED = 7;

function programs(count: number, can: Capabilities = CAPABILITIES): Program[] {
  return fc.sample(drafts, { seed: SEED, numRuns: count }).map((draft) => buildProgram(draft, can));
}

/** The features of a program, as words to count. */
function* featuresOf(program: Program): Generator<string> {
  yield `device ${program.device}`;
  yield `poison ${program.poison}`;
  for (const { values } of program.leaves) yield `values ${values.kind}`;
  for (const { momentum, dampening, nesterov, weightDecay } of program.optimizers) {
    if (momentum > 0) yield 'momentum';
    if (dampening > 0) yield 'dampening';
    if (nesterov) yield 'nesterov';
    if (weightDecay > 0) yield 'weight decay';
  }
  let disposals = 0;
  for (const statement of walk(program.statements)) {
    if (statement.do === 'op') {
      const { op } = statement;
      yield op.op;
      const { inputs, options } = op;
      if (inputs.input !== undefined && stepOf(statement.out) > stepOf(inputs.input)) yield 'carried on';
      if ('relu' in options) yield `${op.op}${options.training ? ' training' : ''}${options.relu ? ' relu' : ''}`;
      for (const name of ['residual', 'bias', 'weight']) if (name in inputs) yield `${op.op} ${name}`;
    } else if (statement.do === 'backward') {
      yield statement.fails ? `fails ${statement.fails}` : 'backward';
      if (statement.draw !== undefined && !statement.fails) yield 'seed tensor';
      if (statement.seed !== undefined) yield 'seed number';
      if (statement.retainGraph) yield 'retainGraph';
      if (statement.afterwards) yield `seed ${statement.afterwards}`;
      if (disposals > 0) yield 'disposed before backward';
    } else if (statement.do === 'force') {
      yield `force ${statement.conv2d} ${statement.linear}`;
    } else {
      yield statement.do;
      if (statement.do === 'dispose') disposals++;
      if (statement.do === 'dispose' && !/^v/.test(statement.tensor)) yield 'disposed leaf';
    }
  }
}

/** The names of a program's ops. */
const namesOf = (program: Program): string[] =>
  [...walk(program.statements)].flatMap((one) => (one.do === 'op' ? [one.op.op] : []));

/** The 2 of `v5.2`. */
const stepOf = (name: string) => (name.startsWith('v') ? Number(name.split('.')[1] ?? 0) : Number.POSITIVE_INFINITY);

function count(list: readonly Program[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const program of list) {
    for (const feature of new Set(featuresOf(program))) counts.set(feature, (counts.get(feature) ?? 0) + 1);
  }
  return counts;
}

const EVERYWHERE = [
  ...['conv2d bias', 'linear bias', 'crossEntropy weight'],
  ...['batchNorm2d training', 'batchNorm2d training relu', 'batchNorm2d relu', 'batchNorm2d residual'],
  ...['conv2dBatchNorm2d training', 'conv2dBatchNorm2d residual', 'noGrad', 'scope', 'dispose', 'read'],
  ...[
    'backward',
    'seed tensor',
    'seed dispose',
    'disposed before backward',
    'carried on',
    'requiresGrad',
    'set',
    'step',
    'zeroGrad',
  ],
  ...['momentum', 'dampening', 'nesterov', 'weight decay', 'fails used', 'fails untracked', 'force rows tiled'],
  ...['device own', 'device gpu', 'device plain', 'poison nan', 'poison large'],
  ...['values uniform', 'values integers', 'values sparse', 'values labels'],
];
const LATER = [
  'seed number',
  'seed overwrite',
  'retainGraph',
  'setGrad',
  'fails changed',
  'fails misshaped',
  'disposed leaf',
];

describe('the generator', () => {
  test('draws every op of the table, each in a fair share of programs', () => {
    const counts = count(programs(2000));
    const shares = Object.keys(OPS).map((name) => [name, (counts.get(name) ?? 0) / 2000] as const);
    shares.sort((a, b) => a[1] - b[1]);
    console.log(shares.map(([name, share]) => `${name} ${(100 * share).toFixed(1)} %`).join(', '));
    expect(shares.filter(([, share]) => share < 0.01)).toEqual([]);
  });

  test('uses every op and every statement', () => {
    const counts = count(programs(600));
    expect(EVERYWHERE.filter((feature) => !counts.has(feature))).toEqual([]);
    // Nearly all programs run backward.
    expect(counts.get('backward')).toBeGreaterThan(500);
  });

  test('uses a capability only if it is switched on', () => {
    const counts = count(programs(600, ALL_CAPABILITIES));
    expect([...EVERYWHERE, ...LATER].filter((feature) => !counts.has(feature))).toEqual([]);
    const off = Object.fromEntries(Object.keys(CAPABILITIES).map((name) => [name, false])) as unknown as Capabilities;
    const without = count(programs(600, off));
    expect(LATER.filter((feature) => without.has(feature))).toEqual([]);
  });

  test('makes only legal programs', () => {
    for (const can of [CAPABILITIES, ALL_CAPABILITIES]) {
      for (const program of programs(400, can))
        expect([whyIllegal(program), program.seed]).toEqual([undefined, program.seed]);
    }
  });

  test('makes the same programs from the same seed, which survive JSON unchanged', () => {
    const [first, second] = [programs(20), programs(20)];
    expect(first).toEqual(second);
    for (const program of first) {
      const copy = JSON.parse(JSON.stringify(program)) as Program;
      expect(copy).toEqual(program);
      expect(valuesOf(copy)).toEqual(valuesOf(program));
    }
  });

  test('draws different values when a program is drawn anew', () => {
    const [program] = programs(1);
    const [before, after] = [valuesOf(program!), valuesOf({ ...program!, redraw: 1 })];
    expect([...after.keys()]).toEqual([...before.keys()]);
    expect(after.get('x0')).not.toEqual(before.get('x0'));
  });

  test('keeps tensors small', () => {
    for (const program of programs(200)) {
      for (const [name, values] of valuesOf(program)) expect([name, values.length <= 40_000]).toEqual([name, true]);
    }
  });

  test('gives fast-check the right place in its sequence to shrink from', async () => {
    const list = fc.sample(drafts, { seed: SEED, numRuns: 8 });
    const seen: unknown[] = [];
    const property = fc.asyncProperty(drafts, async (draft) => {
      seen.push(draft);
      return false;
    });
    const { counterexample } = await fc.check(property, { seed: SEED, path: '5', numRuns: 1 });
    expect(seen[0]).toEqual(list[5]);
    // A property that always fails shrinks to the smallest program.
    const smallest = buildProgram(counterexample![0], CAPABILITIES);
    expect([...walk(smallest.statements)].length).toBeLessThan(12);
  });
});

const python = findTorchPython();
const torchTest = skipUnless(python, NO_TORCH);

describe('PyTorch', () => {
  for (const [name, can] of [
    ['programs with the engine’s capabilities', CAPABILITIES],
    ['programs with every capability', ALL_CAPABILITIES],
  ] as const) {
    torchTest(`runs every op, in ${name}`, async () => {
      const torch = new TorchPrograms(python!);
      try {
        const all = programs(400, can);
        const every = Object.keys(OPS).map((name) => all.find((program) => namesOf(program).includes(name))!);
        const list = [...new Set([...all.slice(0, 60), ...every])];
        const answers = await Promise.all(list.map((program) => torch.ask(program)));
        const settled = answers.filter(({ near }) => near.length === 0);
        expect(settled.length).toBeGreaterThan(0.8 * list.length);
        for (const tensor of settled.flatMap(({ tensors }) => [...tensors.values()])) {
          const size = Math.max(1, ...(tensor?.values.map(Math.abs) ?? []));
          if (tensor) expect(tensor.most / size).toBeLessThan(1e-2);
        }
      } finally {
        torch.close();
      }
    });
  }
});

/** Optimizers and schedules with two groups against PyTorch in float64, and on from a saved state to the same bits. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tensor } from '../../src/autograd/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { Module } from '../../src/nn/index.ts';
import {
  Adam,
  AdamW,
  CosineAnnealingLR,
  clipGradNorm,
  LambdaLR,
  LinearWarmup,
  MultiStepLR,
  OneCycleLR,
  type Optimizer,
  type SavedValues,
  type Schedule,
  SGD,
  StepLR,
} from '../../src/optim/index.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { loadTraining, saveTraining } from '../../src/train/index.ts';
import type { TensorData } from '../../src/weights/index.ts';
import { all, atMost, type Context, type Outcome, type Row, scientific } from '../row.ts';
import { relativeL2, runPython } from '../tensors.ts';

const STEPS = 30;
/** Where the runs stop, are saved and go on. */
const STOP = 13;
/** Sizes of the parameters: one element, fewer than a vector of four, more than a workgroup, odd. */
const SIZES = [1, 3, 1000, 4097];
const FIRST = { first: 0, count: 2 };
const SECOND = { first: 2, count: 2 };

interface Case {
  readonly optimizer: keyof typeof OPTIMIZERS;
  /** Settings of the groups that have none of their own. */
  readonly options: object;
  readonly groups: readonly { readonly first: number; readonly count: number }[];
  /** They work at the same time. */
  readonly schedules: readonly (readonly [name: keyof typeof SCHEDULES, options: unknown])[];
  /** The largest norm of the gradients; 0 leaves them. */
  readonly clip: number;
  readonly steps: number;
}

const OPTIMIZERS = { SGD, Adam, AdamW };

const SCHEDULES = {
  StepLR: (optimizer: Optimizer, options: never) => new StepLR(optimizer, options),
  MultiStepLR: (optimizer: Optimizer, options: never) => new MultiStepLR(optimizer, options),
  CosineAnnealingLR: (optimizer: Optimizer, options: never) => new CosineAnnealingLR(optimizer, options),
  LinearWarmup: (optimizer: Optimizer, options: never) => new LinearWarmup(optimizer, options),
  OneCycleLR: (optimizer: Optimizer, options: never) => new OneCycleLR(optimizer, options),
  LambdaLR: (optimizer: Optimizer, bases: number[]) =>
    new LambdaLR(
      optimizer,
      bases.map((base) => (epoch) => base ** epoch),
    ),
};

const made = (
  optimizer: Case['optimizer'],
  options: object,
  [first, second]: readonly [object, object],
  schedules: Case['schedules'],
  clip = 0,
): Case => ({
  optimizer,
  options,
  groups: [
    { ...FIRST, ...first },
    { ...SECOND, ...second },
  ],
  schedules,
  clip,
  steps: STEPS,
});

const CASES: readonly Case[] = [
  made('SGD', { lr: 0.01, momentum: 0.9, weightDecay: 1e-2 }, [{ lr: 0.05 }, {}], [['StepLR', { stepSize: 7 }]]),
  made(
    'SGD',
    { lr: 0.01, momentum: 0.8 },
    [{ nesterov: true }, { dampening: 0.1, momentum: 0.7 }],
    [['LambdaLR', [0.9, 0.95]]],
  ),
  made('SGD', { lr: 0.01 }, [{}, {}], [['OneCycleLR', { maxLr: [0.1, 0.02], totalSteps: STEPS }]], 10),
  made('Adam', {}, [{ lr: 0.01 }, { betas: [0.8, 0.99] }], [['CosineAnnealingLR', { tMax: 11, etaMin: 1e-4 }]]),
  made(
    'Adam',
    { weightDecay: 0.1, eps: 1e-4 },
    [{}, { weightDecay: 0 }],
    [['OneCycleLR', { maxLr: 0.02, totalSteps: 40, threePhase: true, annealStrategy: 'linear' }]],
  ),
  made(
    'AdamW',
    {},
    [{ lr: 0.01 }, {}],
    [
      ['LinearWarmup', { startFactor: 0.1, totalIters: 4 }],
      ['MultiStepLR', { milestones: [10, 20], gamma: 0.5 }],
    ],
  ),
  made(
    'AdamW',
    { lr: 0.01, weightDecay: 0.3 },
    [{ betas: [0.5, 0.9] }, {}],
    [
      ['LinearWarmup', {}],
      ['CosineAnnealingLR', { tMax: STEPS }],
    ],
    1,
  ),
];

export const optimizers: Row = {
  name: 'optimizers',
  title: 'optimizers and schedules with two groups over 30 steps, against PyTorch; saved and loaded: equal bits',
  minutes: 0.2,
  ci: true,
  run: compare,
};

class Parameters extends Module {
  readonly all: readonly Tensor[];

  constructor(gpu: Gpu, values: readonly Float32Array[]) {
    super();
    this.all = values.map((one, i) => this.registerParameter(`${i}`, Tensor.from(gpu, one)));
  }

  override forward(): never {
    throw new Error('These parameters compute nothing.');
  }
}

/** What a case trains, as a program has it. */
interface Loop {
  readonly gpu: Gpu;
  readonly model: Parameters;
  readonly optimizer: Optimizer;
  readonly schedules: readonly Schedule[];
}

interface Found {
  readonly rates: number[][];
  readonly momentums: number[][];
  readonly norms: number[];
  /** After each step, by parameter. */
  readonly parameters: Float32Array[][];
}

type Data = ReadonlyMap<string, TensorData>;

function build(gpu: Gpu, { optimizer: name, options, groups, schedules }: Case, values: readonly Float32Array[]): Loop {
  const model = new Parameters(gpu, values);
  const given = groups.map(({ first, count, ...settings }) => ({
    parameters: model.all.slice(first, first + count),
    ...settings,
  }));
  const optimizer: Optimizer = new OPTIMIZERS[name](given, options as { lr: number });
  return { gpu, model, optimizer, schedules: schedules.map(([one, own]) => SCHEDULES[one](optimizer, own as never)) };
}

/** Runs the steps from `from` to `to`. */
async function walk({ gpu, model, optimizer, schedules }: Loop, clip: number, data: Data, from: number, to: number) {
  const found: Found = { rates: [], momentums: [], norms: [], parameters: [] };
  for (let step = from; step < to; step++) {
    const groups: readonly { lr: number; momentum?: number; betas?: readonly number[] }[] = optimizer.groups;
    found.rates.push(groups.map(({ lr }) => lr));
    found.momentums.push(groups.map(({ momentum, betas }) => momentum ?? betas![0]!));
    for (const [i, parameter] of model.all.entries()) {
      parameter.grad = Tensor.from(gpu, data.get(`grad.${step}.${i}`)!.data);
    }
    if (clip > 0) {
      const norm = clipGradNorm(model.all, clip);
      found.norms.push(await norm.item());
      norm.dispose();
    }
    optimizer.step();
    optimizer.zeroGrad();
    for (const one of schedules) one.step();
    found.parameters.push(await Promise.all(model.all.map((parameter) => parameter.data())));
  }
  return found;
}

async function compare(context: Context): Promise<Outcome[]> {
  const random = new Generator(0);
  const data = new Map<string, TensorData>();
  for (const [i, size] of SIZES.entries()) {
    for (const name of [`start.${i}`, ...Array.from({ length: STEPS }, (_, step) => `grad.${step}.${i}`)]) {
      const values = random.fillNormal(new Float32Array(size), 0, 1) as Float32Array<ArrayBuffer>;
      data.set(name, { shape: [size], data: values });
    }
  }
  const start = SIZES.map((_, i) => data.get(`start.${i}`)!.data);
  const file = join(context.scratch, 'cases.json');
  writeFileSync(file, JSON.stringify(CASES));
  const torch = runPython(context, 'optimizers.py', data, [file]);
  const [rates, momentums, norms] = (['rates', 'momentums', 'norms'] as const).map((name) =>
    JSON.parse(torch.metadata[name]!),
  );
  const worst = { parameters: 0, settings: 0, norms: 0 };
  let equal = 0;
  for (const [number, one] of CASES.entries()) {
    const gpu = await openGpu();
    const whole = await walk(build(gpu, one, start), one.clip, data, 0, STEPS);
    const errors = whole.parameters.flatMap((values, step) =>
      one.groups.map(({ first, count }) => {
        const places = Array.from({ length: count }, (_, i) => first + i);
        const expected = places.flatMap((i) => [...torch.tensors.get(`${number}.${step}.${i}`)!.data]);
        return relativeL2(
          places.flatMap((i) => [...values[i]!]),
          expected,
        );
      }),
    );
    const error = worstOf(errors);
    console.log(`  ${titleOf(one)}: parameters ${scientific(error)}`);
    worst.parameters = worstOf([worst.parameters, error]);
    const settings = [
      relativeErrors(whole.rates.flat(), rates[number].flat()),
      relativeErrors(whole.momentums.flat(), momentums[number].flat()),
    ];
    worst.settings = worstOf([worst.settings, ...settings.flat()]);
    worst.norms = worstOf([worst.norms, ...relativeErrors(whole.norms, norms[number])]);
    if (await goesOn(context, gpu, one, start, data, whole)) equal++;
    gpu.close();
  }
  return [
    atMost('parameters of a group, relative L2, worst of all steps', worst.parameters, 1e-6, scientific),
    atMost('learning rates and momentums, relative difference, worst', worst.settings, 1e-14, scientific),
    atMost('norms of the gradients, relative difference, worst', worst.norms, 3e-7, scientific),
    all(`runs that go on from a file after ${STOP} steps to equal bits`, equal, CASES.length),
  ];
}

/** Saves after STOP steps, loads on another device into parts with other settings, and compares the rest. */
async function goesOn(
  { scratch }: Context,
  gpu: Gpu,
  one: Case,
  start: readonly Float32Array[],
  data: Data,
  whole: Found,
): Promise<boolean> {
  const path = join(scratch, 'training.safetensors');
  const before = build(gpu, one, start);
  await walk(before, one.clip, data, 0, STOP);
  const { model, optimizer, schedules } = before;
  const others = schedules.slice(1).map((schedule) => schedule.stateDict());
  await saveTraining(path, { model, optimizer, scheduler: schedules[0]! }, { others });
  const other = await openGpu();
  const zeros = start.map((values) => new Float32Array(values.length));
  const after = build(other, one, zeros);
  after.optimizer.lr = 7;
  const extra = loadTraining(path, {
    model: after.model,
    optimizer: after.optimizer,
    scheduler: after.schedules[0]!,
  }) as { others: SavedValues[] };
  for (const [i, state] of extra.others.entries()) after.schedules[i + 1]!.loadStateDict(state);
  const rest = await walk(after, one.clip, data, STOP, STEPS);
  other.close();
  const bits = ({ parameters, ...settings }: Found, from: number) =>
    JSON.stringify([
      Object.values(settings).map((values) => values.slice(from)),
      parameters.slice(from).flatMap((values) => values.map((value) => Buffer.from(value.buffer).toString('base64'))),
    ]);
  return bits(rest, 0) === bits(whole, STOP);
}

/** NaN counts as infinite. */
function worstOf(errors: readonly number[]): number {
  return Math.max(...errors.map((error) => (error >= 0 ? error : Number.POSITIVE_INFINITY)));
}

function relativeErrors(found: readonly number[], expected: readonly number[]): number[] {
  if (found.length !== expected.length) return [Number.POSITIVE_INFINITY];
  return found.map((value, i) => (value === expected[i] ? 0 : Math.abs(value / expected[i]! - 1)));
}

function titleOf({ optimizer, schedules, clip }: Case): string {
  const names = schedules.map(([name]) => name).join(', ');
  return `${optimizer} with ${names}${clip > 0 ? `, gradients of norm ${clip} at most` : ''}`;
}

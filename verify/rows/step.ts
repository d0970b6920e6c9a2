/** Fine-tuning steps of ResNet-18 at batch 4 and 224×224 from identical weights, against PyTorch. */
import { join } from 'node:path';
import { backward, crossEntropy, scope, Tensor } from '../../src/autograd/index.ts';
import { DataLoader, Generator, ImageFolder, TRAIN_TRANSFORM } from '../../src/data/index.ts';
import { type OpenOptions, openGpu } from '../../src/gpu/dawn.ts';
import type { Readback } from '../../src/gpu/gpu.ts';
import { buildModel, readStart } from '../../src/models/start.ts';
import { BatchNorm2d } from '../../src/nn/index.ts';
import { SGD } from '../../src/optim/index.ts';
import type { TensorData } from '../../src/weights/index.ts';
import { atMost, type Context, type Outcome, type Row, scientific } from '../row.ts';
import { relativeL2, runPython } from '../tensors.ts';

const SEED = 0;
const BATCH = 4;
/** Each seed draws its own last layer and batch. */
const STEP_SEEDS = [0, 1, 2, 3];

export const oneStep: Row = {
  name: 'step',
  title: `one fine-tuning step against PyTorch, seeds ${STEP_SEEDS.join(', ')}: loss, 62 gradients, running statistics`,
  minutes: 2,
  ci: true,
  run: (context) => compareSteps(context),
};

export const tenSteps: Row = {
  name: 'ten-steps',
  title: 'ten fine-tuning steps, a new batch each, against PyTorch',
  minutes: 2,
  ci: true,
  run: (context) => compareTenSteps(context),
};

export const defaultLimits: Row = {
  name: 'default-limits',
  title: 'the rows step and ten-steps on a device with WebGPU’s default limits and no features',
  minutes: 6,
  ci: false,
  run: async (context) => [
    ...(await compareSteps(context, { minimal: true })),
    ...(await compareTenSteps(context, { minimal: true })),
  ],
};

async function compareSteps(context: Context, options: OpenOptions = {}): Promise<Outcome[]> {
  const [losses, statistics, pinned]: [number[], Named[], GradientError[][]] = [[], [], []];
  for (const seed of STEP_SEEDS) {
    const { ours, torch } = await runBoth(context, 1, { pin: true, seed, options });
    const { tensors } = torch;
    losses.push(Math.abs(ours.losses[0]! / tensors.get('losses32')!.data[0]! - 1));
    for (const [name, data] of ours.statistics) {
      statistics.push({ name, error: relativeL2(data, tensors.get(`state32.${name}`)!.data) });
    }
    pinned.push(gradientErrors(ours.gradients, tensors, 'pinned'));
    const within = (rows: GradientError[]) => rows.filter(isWithinBar).length;
    console.log(
      `  seed ${seed}: ${within(pinned.at(-1)!)} of 62 gradients are within the bar in this step alone, ` +
        `${within(gradientErrors(ours.gradients, tensors, 'grad'))} without pinned signs of ReLUs. Of ` +
        `${ours.signs.reduce((n, sign) => n + sign.length, 0)} signs, ${tensors.get('flips64')!.data[0]} differ from ` +
        `float64 and ${tensors.get('flips32')!.data[0]} from PyTorch's float32.`,
    );
  }
  const worst = statistics.reduce((a, b) => (b.error > a.error ? b : a));
  return [
    atMost(`loss, relative difference, worst of ${STEP_SEEDS.length} seeds`, Math.max(...losses), 1e-6, scientific),
    gradientOutcome(overSteps(pinned)),
    atMost(`40 running statistics, relative L2, worst (${worst.name})`, worst.error, 1e-5, scientific),
  ];
}

async function compareTenSteps(context: Context, options: OpenOptions = {}): Promise<Outcome[]> {
  const { ours, torch } = await runBoth(context, 10, { seed: SEED, options });
  const losses = torch.tensors.get('losses32')!.data;
  const errors = ours.losses.map((loss, i) => Math.abs(loss / losses[i]! - 1));
  console.log(`  relative loss difference by step: ${errors.map(scientific).join(' ')}`);
  return [atMost('loss, relative difference, worst of ten steps', Math.max(...errors), 1e-4, scientific)];
}

interface Named {
  readonly name: string;
  readonly error: number;
}

interface GradientError extends Named {
  /** The error of PyTorch in float32. */
  readonly torchError: number;
}

/** At most 4 times PyTorch's, or below 1e-6: there both are rounding, and the ratio means nothing. */
function isWithinBar({ error, torchError }: GradientError): boolean {
  return error < 1e-6 || error <= 4 * torchError;
}

/**
 * Each gradient's relative L2 error against PyTorch in float64, and that of PyTorch in float32. (Reading float64 back
 * as float32 adds 3e-8.)
 *
 * If a ReLU's input is 0 to within rounding, chance decides whether it passes its gradient. A wrong decision changes
 * all gradients before it by 1e-4 to 1e-3, a thousand times the rounding of the kernels. This happens to a few of 9
 * million ReLUs, and to different ones in PyTorch. So the comparison gives all three the same signs (`pinned`); the
 * remaining error is the kernels'.
 */
function gradientErrors(
  ours: Map<string, Float32Array>,
  torch: Map<string, TensorData>,
  kind: 'grad' | 'pinned',
): GradientError[] {
  return [...ours].map(([name, gradient]) => {
    const exact = torch.get(`${kind}64.${name}`)!.data;
    const torchError = relativeL2(torch.get(`${kind}32.${name}`)!.data, exact);
    return { name, error: relativeL2(gradient, exact), torchError };
  });
}

/**
 * Root mean square over the steps, because one step is not enough for a small gradient. The two values of fc.bias add
 * up to 0, so its error is a single value, and PyTorch's may be 3e-7 on one CPU and 1e-6 on another.
 */
function overSteps(steps: readonly GradientError[][]): GradientError[] {
  const over = (values: readonly number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
  return steps[0]!.map(({ name }, i) => ({
    name,
    error: over(steps.map((rows) => rows[i]!.error)),
    torchError: over(steps.map((rows) => rows[i]!.torchError)),
  }));
}

function gradientOutcome(rows: readonly GradientError[]): Outcome {
  const good = rows.filter(isWithinBar).length;
  for (const row of rows.filter((one) => !isWithinBar(one))) {
    console.log(`  ${row.name}: ${scientific(row.error)}, PyTorch's ${scientific(row.torchError)}`);
  }
  const worst = rows.reduce((a, b) => (b.error / b.torchError > a.error / a.torchError ? b : a));
  return {
    what:
      `gradients against float64, over ${STEP_SEEDS.length} steps (worst ratio: ${worst.name}, ${scientific(worst.error)} ` +
      `to PyTorch's ${scientific(worst.torchError)})`,
    figure: `${good} of ${rows.length} within the bar, ratio at most ${(worst.error / worst.torchError).toFixed(2)}`,
    bar: 'all 62 at most 4 times PyTorch float32’s own error, or below 1e-6',
    holds: good === 62 && rows.length === 62,
  };
}

interface Compared {
  readonly seed: number;
  /** Gives PyTorch the signs of our ReLUs. */
  readonly pin?: boolean;
  readonly options: OpenOptions;
}

async function runBoth(context: Context, steps: number, { pin = false, seed, options }: Compared) {
  const ours = await ourSteps(context, steps, seed, options);
  const inputs = new Map<string, TensorData>(ours.lastLayer);
  ours.batches.forEach((batch, i) => {
    inputs.set(`images.${i}`, { shape: [BATCH, 3, 224, 224], data: batch.images });
    inputs.set(`labels.${i}`, { shape: [BATCH], data: Float32Array.from(batch.labels) });
  });
  if (pin) for (const [i, data] of ours.signs.entries()) inputs.set(`relu.${i}`, { shape: [data.length], data });
  return { ours, torch: runPython(context, 'step.py', inputs, [context.weights]) };
}

/** The first `count` train batches that `generator` draws with `--workers 2`. */
async function firstTrainBatches(context: Context, count: number, generator: Generator) {
  const options = { batchSize: BATCH, shuffle: true, transform: TRAIN_TRANSFORM, generator, workers: 2 };
  const loader = new DataLoader(new ImageFolder(join(context.data, 'train')), options);
  const batches = [];
  for await (const { images, labels } of loader) {
    batches.push({ images: images.slice(), labels: Uint32Array.from(labels) });
    if (batches.length === count) break;
  }
  await loader.close();
  return batches;
}

/** The first steps of a run with this seed. One generator draws the new last layer and then the batches. */
async function ourSteps(context: Context, steps: number, seed: number, options: OpenOptions) {
  const generator = new Generator(seed);
  const gpu = await openGpu(options);
  const start = readStart(context.weights, ['ants', 'bees']);
  const model = buildModel(gpu, start, { classes: 2, mode: 'finetune', random: generator });
  const batches = await firstTrainBatches(context, steps, generator);
  const lastLayer = [...(await model.exportState())].filter(([name]) => name.startsWith('fc.'));
  model.train();
  const pendingSigns: Readback[] = [];
  for (const [, module] of model.namedModules()) {
    if (!(module instanceof BatchNorm2d)) continue;
    const callFused = module.callFused.bind(module);
    module.callFused = (input, after) => {
      const output = callFused(input, after);
      if (after.relu && losses.length === 0) pendingSigns.push(output.readback());
      return output;
    };
  }
  const optimizer = new SGD(model.parameters(), { lr: 0.001, momentum: 0.9 });
  const losses: number[] = [];
  const gradients = new Map<string, Float32Array>();
  const statistics = new Map<string, Float32Array>();
  for (const batch of batches) {
    optimizer.zeroGrad();
    const loss = scope(() => {
      const images = Tensor.from(gpu, batch.images, [BATCH, 3, 224, 224]);
      const result = crossEntropy(model.call(images), Tensor.from(gpu, batch.labels, [BATCH]));
      backward(result);
      return result;
    });
    if (losses.length === 0) {
      for (const [name, parameter] of model.namedParameters()) gradients.set(name, await parameter.grad!.data());
      for (const [name, entry] of model.stateDict()) {
        if (name.includes('running') && entry instanceof Tensor) statistics.set(name, await entry.data());
      }
    }
    optimizer.step();
    losses.push(await loss.item());
    loss.dispose();
  }
  const signs = await Promise.all(
    pendingSigns.map(async (output) => new Float32Array(await output.get()).map((value) => (value > 0 ? 1 : 0))),
  );
  gpu.close();
  return { batches, lastLayer, losses, gradients, statistics, signs };
}

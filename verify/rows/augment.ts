/** Augmentation, mixup and the training loss against torchvision and Pillow: for given draws, and for given seeds. */
import { createHash } from 'node:crypto';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { backward, countCorrect, scope, Tensor } from '../../src/autograd/index.ts';
import { type Jitter, jitter } from '../../src/data/augment/color-jitter.ts';
import { drawErasing, erase } from '../../src/data/augment/random-erasing.ts';
import { applyTrivial, type TrivialOp } from '../../src/data/augment/trivial-augment.ts';
import { DecoderPool, drawMix, Generator, ImageFolder, POLICIES, type Policy } from '../../src/data/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { IMAGENET_INPUT, withCrop } from '../../src/input-spec.ts';
import { trainLoss } from '../../src/models/criterion.ts';
import {
  type Augment,
  makeLoaders,
  type Reporter,
  RUN_FILES,
  readMetrics,
  resumeTraining,
  type TrainOptions,
  train,
} from '../../src/train/index.ts';
import { readCheckpoint } from '../../src/weights/index.ts';
import { all, atMost, either, type Outcome, type Row, scientific } from '../row.ts';
import { largestDifference, runScript } from '../tensors.ts';

const BAR = 1e-6;
/** torch's soft labels are float32. */
const SHARE_ULP = 2 ** -24;
/** Of RandomErasing in augment.py: often enough to be seen. */
const ERASING = 0.7;

type Case = { readonly width: number; readonly height: number; readonly from: Place; readonly to: Place } & (
  | ({ readonly kind: 'op' } & TrivialOp)
  | ({ readonly kind: 'jitter' } & Jitter)
  | { readonly kind: 'erase'; readonly seed: number; readonly after: number }
);
type Place = readonly [offset: number, bytes: number];

interface TorchLoader {
  readonly policy: Augment;
  readonly workers: number;
  readonly mixup: number;
  readonly batches: readonly { readonly sha256: string; readonly shares: readonly (readonly number[])[] }[];
}

interface TorchLoss {
  readonly logits: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly share: number | null;
  readonly smoothing: number;
  readonly weights: readonly number[] | null;
  readonly loss: number;
  readonly gradient: readonly (readonly number[])[];
  readonly correct: number;
}

export const augment: Row = {
  name: 'augment',
  title: 'ColorJitter, TrivialAugmentWide, RandomErasing, mixup and the training loss against torchvision and Pillow',
  minutes: 1,
  ci: true,
  run: async (context) => {
    runScript(context, 'verify/python/augment.py', [context.scratch]);
    const read = <T>(name: string) => JSON.parse(readFileSync(join(context.scratch, name), 'utf8')) as T;
    const bytes = readFileSync(join(context.scratch, 'cases.bin'));
    const { side, batch, loaders } = read<{ side: number; batch: number; loaders: TorchLoader[] }>('loaders.json');
    const gpu = await openGpu();
    const outcomes = [
      ...comparePixels(read<Case[]>('cases.json'), bytes),
      compareShares(read<Record<string, number[]>>('lambdas.json')),
      ...(await compareLoaders(join(context.scratch, 'pictures'), side, batch, loaders)),
      ...(await compareLosses(gpu, read<TorchLoss[]>('losses.json'))),
      // CI's tests have a run with strong.
      ...(await compareResumed(gpu, context.scratch, context.ci ? ['light'] : POLICIES)),
    ];
    gpu.close();
    return outcomes;
  },
};

/** Each kind of operation on drawn pictures: all bytes equal. */
function comparePixels(cases: readonly Case[], bytes: Buffer): Outcome[] {
  const counts = new Map<string, { equal: number; of: number }>();
  for (const one of cases) {
    const at = ([offset, length]: Place) => Uint8Array.from(bytes.subarray(offset, offset + length));
    const name = one.kind === 'op' ? one.name : one.kind === 'jitter' ? 'ColorJitter' : 'RandomErasing';
    const count = counts.get(name) ?? { equal: 0, of: 0 };
    counts.set(name, count);
    count.of++;
    const ours = at(one.from);
    if (compute(one, ours) && Buffer.compare(ours, at(one.to)) === 0) count.equal++;
  }
  return [...counts].map(([name, { equal, of }]) => all(`${name}, pictures with equal pixels`, equal, of));
}

/** Changes the input into the result. @returns false if the next draws of the same seed differ */
function compute(one: Case, bytes: Uint8Array): boolean {
  const { width, height } = one;
  if (one.kind === 'op') applyTrivial({ width, height, pixels: bytes }, one);
  else if (one.kind === 'jitter') jitter({ width, height, pixels: bytes }, one);
  else {
    const generator = new Generator(one.seed);
    const box = drawErasing(generator, width, ERASING);
    if (box) erase(new Float32Array(bytes.buffer), 0, width, box);
    return generator.randomSeed() === one.after;
  }
  return true;
}

function compareShares(torch: Readonly<Record<string, readonly number[]>>): Outcome {
  let [equal, of] = [0, 0];
  for (const [alpha, shares] of Object.entries(torch)) {
    const generator = new Generator(7);
    equal += shares.filter((share) => share === drawMix(generator, Number(alpha))).length;
    of += shares.length;
  }
  return all('shares of mixup for a seed, equal to the bit', equal, of);
}

/** Whole epochs of a seed: order, crops, flips, operations, mixtures, as float32 in the network's input. */
async function compareLoaders(root: string, side: number, batchSize: number, torch: readonly TorchLoader[]) {
  const pool = new DecoderPool(2);
  const train = { ...new ImageFolder(root), root, length: 0, leftOut: [] };
  const counts = new Map<string, { equal: number; of: number }>();
  for (const { policy, workers, mixup, batches } of torch) {
    const count = counts.get(policy) ?? { equal: 0, of: 0 };
    counts.set(policy, count);
    count.of += batches.length;
    const settings = { batchSize, workers, input: withCrop(IMAGENET_INPUT, side) };
    const regularization = { augment: policy, mixup };
    const loaders = makeLoaders({ train, val: train }, settings, new Generator(5), pool, regularization);
    const expected = batches.values();
    for (let epoch = 0; epoch < 2; epoch++) {
      for await (const { images, labels, mix, release } of loaders.train) {
        const { sha256, shares } = expected.next().value!;
        const found = createHash('sha256').update(images).digest('hex');
        const furthest = largestDifference(sharesOf(labels, mix ?? 1).flat(), shares.flat());
        if (found === sha256 && furthest <= SHARE_ULP) count.equal++;
        release();
      }
    }
  }
  await pool.close();
  return [...counts].map(([policy, { equal, of }]) =>
    all(`augment ${policy}: batches of a seed to the bit, workers 0 and 2, with and without mixup`, equal, of),
  );
}

/** For each picture the share of each of the three classes. */
function sharesOf(labels: Int32Array, mix: number): number[][] {
  return Array.from(labels, (label, i) => {
    const shares = [0, 0, 0];
    shares[label]! += mix;
    shares[labels.at(i - 1)!]! += 1 - mix;
    return shares;
  });
}

async function compareLosses(gpu: Gpu, torch: readonly TorchLoss[]): Promise<Outcome[]> {
  let [loss, gradient, correct] = [0, 0, 0];
  for (const one of torch) {
    const labels = Int32Array.from(one.labels);
    const shape = [labels.length, one.logits[0]!.length];
    const criterion = { labelSmoothing: one.smoothing, ...(one.weights && { classWeights: one.weights }) };
    const readbacks = scope(() => {
      const logits = Tensor.from(gpu, Float32Array.from(one.logits.flat()), shape);
      logits.requiresGrad = true;
      const own = Tensor.from(gpu, Uint32Array.from(labels), [labels.length]);
      const result = trainLoss(logits, own, { labels, mix: one.share ?? undefined }, criterion);
      backward(result.loss);
      const counted = countCorrect(logits, result.counted);
      return [result.loss.readback(), logits.grad!.readback(), counted.readback()] as const;
    });
    const [ours, grad, count] = await Promise.all(readbacks.map((readback) => readback.get()));
    loss = Math.max(loss, Math.abs(new Float32Array(ours!)[0]! - one.loss) / Math.abs(one.loss));
    gradient = Math.max(gradient, largestDifference(new Float32Array(grad!), one.gradient.flat()));
    if (new Uint32Array(count!)[0] === one.correct) correct++;
  }
  return [
    atMost(`loss of ${torch.length} batches, mixed, smoothed, weighted; relative difference`, loss, BAR, scientific),
    atMost('its gradient, absolute difference', gradient, BAR, scientific),
    all('counts of right answers', correct, torch.length),
  ];
}

/** Runs on the drawn pictures, stopped in the middle of an epoch and gone on with. */
async function compareResumed(gpu: Gpu, scratch: string, policies: readonly Policy[]): Promise<Outcome[]> {
  const data = join(scratch, 'both');
  for (const phase of ['train', 'val']) cpSync(join(scratch, 'pictures'), join(data, phase), { recursive: true });
  const outcomes: Outcome[] = [];
  for (const augment of policies) {
    const options: TrainOptions = {
      ...{ data, gpu, augment, mixup: 0.2, labelSmoothing: 0.1, pictures: false },
      ...{ imageSize: 32, batchSize: 8, epochs: 2, workers: 2, lr: 0.01 },
      mode: 'extract',
      classWeights: 'balanced',
    };
    const [whole, stopped] = [join(scratch, `${augment}-whole`), join(scratch, `${augment}-stopped`)];
    await train({ ...options, out: whole });
    const stop = new AbortController();
    const reporter: Reporter = {
      stepDone: ({ epoch, phase, step }) => {
        if (epoch === 1 && phase === 'train' && step === 0) stop.abort();
      },
    };
    await train({ ...options, out: stopped, reporter, signal: stop.signal });
    await resumeTraining(stopped, { gpu, pictures: false });
    const same = isDeepStrictEqual(whatIsLeft(stopped), whatIsLeft(whole));
    outcomes.push(
      either(`a run with augment ${augment} and mixup, stopped and gone on with`, same, 'the same bits', 'other bits'),
    );
  }
  return outcomes;
}

/** The tensors and losses of a run. */
function whatIsLeft(folder: string) {
  const rows = readMetrics(folder).map(({ epoch, phase, loss, acc }) => ({ epoch, phase, loss, acc }));
  return { rows, tensors: readCheckpoint(join(folder, RUN_FILES.last)).tensors };
}

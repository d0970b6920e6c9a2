/** torch's random numbers, one by one, and the new last layer that a run draws from them. */
import { join } from 'node:path';
import { Generator } from '../../src/data/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import { buildModel, readStart } from '../../src/models/start.ts';
import type { Linear } from '../../src/nn/index.ts';
import { readSafetensors, type TensorData } from '../../src/weights/index.ts';
import { atMost, type Context, type Outcome, type Row, scientific } from '../row.ts';
import { largestDifference, runScript } from '../tensors.ts';

const DRAWS = 10_000;
const LARGEST_PERMUTATION = 1000;
const NORMAL_SIZES = [...Array.from({ length: 100 }, (_, i) => i + 1), 1000];
const SEEDS = 10;

export const draws: Row = {
  name: 'draws',
  title: 'uniform, random_, randperm and normal_ against torch, draw for draw',
  minutes: 1,
  ci: true,
  run: async (context) => {
    const torch = torchDraws(context);
    const uniform = new Generator(0).fillUniform(new Float32Array(DRAWS), -2.5, 7);
    const random = new Generator(1);
    const permutations = new Generator(2);
    const orders = Array.from({ length: LARGEST_PERMUTATION }, (_, i) => [...permutations.randperm(i + 1)]).flat();
    let [furthest, states] = [0, 0];
    for (const size of NORMAL_SIZES) {
      const generator = new Generator(size);
      const values = generator.fillNormal(new Float32Array(size));
      const next = generator.fillNormal(new Float32Array(1));
      furthest = Math.max(
        furthest,
        largestDifference(values, torch.get(`normal.${size}`)!.data),
        largestDifference(next, torch.get(`normal.${size}.next`)!.data),
      );
      if (equal(pieces(generator, 4), torch.get(`normal.${size}.random`)!.data)) states++;
    }
    return [
      allEqual(`${DRAWS} draws of uniform`, uniform, torch.get('uniform')!.data),
      allEqual(`${DRAWS} draws of random_, in pieces of 16 bits`, pieces(random, DRAWS), torch.get('random')!.data),
      allEqual(`randperm(n) for n = 1…${LARGEST_PERMUTATION}`, orders, torch.get('randperm')!.data),
      atMost(`normal_ of ${NORMAL_SIZES.length} sizes, absolute difference`, furthest, 5e-7, scientific),
      {
        what: 'the generator’s state after each normal_ (told by the draws that follow)',
        figure: `${states} of ${NORMAL_SIZES.length} equal`,
        bar: 'all equal',
        holds: states === NORMAL_SIZES.length,
      },
    ];
  },
};

export const lastLayer: Row = {
  name: 'last-layer',
  title: `the new last layer that seeds 0 to ${SEEDS - 1} draw, against torch’s bits`,
  minutes: 1,
  ci: true,
  run: async (context) => {
    const torch = torchDraws(context);
    const gpu = await openGpu();
    let same = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const start = readStart(context.weights, ['ants', 'bees']);
      const model = buildModel(gpu, start, { classes: 2, mode: 'finetune', random: new Generator(seed) });
      const weight = await (model.fc as Linear).weight.data();
      const bias = await (model.fc as Linear).bias!.data();
      if (equal(weight, torch.get(`fc.${seed}.weight`)!.data) && equal(bias, torch.get(`fc.${seed}.bias`)!.data))
        same++;
      model.dispose();
    }
    gpu.close();
    return [
      {
        what: 'initial weight [2, 512] and bias [2]',
        figure: `${same} of ${SEEDS} seeds bit-equal`,
        bar: `all ${SEEDS}`,
        holds: same === SEEDS,
      },
    ];
  },
};

function torchDraws(context: Context): Map<string, TensorData> {
  const output = join(context.scratch, 'draws.safetensors');
  runScript(context, 'verify/python/draws.py', [output]);
  return readSafetensors(output).tensors;
}

/** `count` draws of random_ on int64, each as four numbers of 16 bits, least significant first. */
function pieces(generator: Generator, count: number): number[] {
  return Array.from({ length: count }, () => {
    const value = generator.random63();
    return [0n, 16n, 32n, 48n].map((shift) => Number((value >> shift) & 0xffffn));
  }).flat();
}

function equal(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.from(a).every((value, i) => Object.is(value, b[i]));
}

function allEqual(what: string, ours: ArrayLike<number>, torch: ArrayLike<number>): Outcome {
  const different = Array.from(torch).filter((value, i) => !Object.is(value, ours[i])).length;
  return {
    what,
    figure: different === 0 && ours.length === torch.length ? 'all equal' : `${different} of ${torch.length} differ`,
    bar: 'all equal',
    holds: different === 0 && ours.length === torch.length,
  };
}

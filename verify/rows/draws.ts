/** torch's random numbers, draw for draw, and the new last layer that a run draws from them. */
import { join } from 'node:path';
import { Generator } from '../../src/data/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import { buildModel, readStart } from '../../src/models/start.ts';
import type { Linear } from '../../src/nn/index.ts';
import { erfinv } from '../../src/random/erfinv.ts';
import { readSafetensors, type TensorData } from '../../src/weights/index.ts';
import { all, atMost, type Context, type Row, scientific } from '../row.ts';
import { largestDifference, runScript } from '../tensors.ts';

const DRAWS = 10_000;
const LARGEST_PERMUTATION = 1000;
const NORMAL_SIZES = [...Array.from({ length: 100 }, (_, i) => i + 1), 1000];
const SEEDS = 10;
/** All values that uniform_(-1, 1) can give. */
const UNIFORMS = 2 ** 24;

export const draws: Row = {
  name: 'draws',
  title:
    'uniform, random_, randperm and normal_ against torch, draw for draw; erfinv, which trunc_normal_ takes, in full',
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
      if (isEqual(pieces(generator, 4), torch.get(`normal.${size}.random`)!.data)) states++;
    }
    const equal = (what: string, ours: ArrayLike<number>, name: string) => {
      const { data } = torch.get(name)!;
      return all(`${what}, equal values`, countEqual(ours, data), data.length);
    };
    const inverses = Float32Array.from({ length: UNIFORMS }, (_, i) => erfinv((2 * i) / UNIFORMS - 1));
    return [
      equal('erfinv of each value that uniform_(-1, 1) can give', inverses, 'erfinv'),
      equal(`${DRAWS} draws of uniform`, uniform, 'uniform'),
      equal(`${DRAWS} draws of random_, in pieces of 16 bits`, pieces(random, DRAWS), 'random'),
      equal(`randperm(n) for n = 1…${LARGEST_PERMUTATION}`, orders, 'randperm'),
      atMost(`normal_ of ${NORMAL_SIZES.length} sizes, absolute difference`, furthest, 5e-7, scientific),
      all('the generator’s state after each normal_, seen by the next draws', states, NORMAL_SIZES.length),
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
      const { weight, bias } = model.head as Linear;
      const expected = ['weight', 'bias'].map((name) => torch.get(`fc.${seed}.${name}`)!.data);
      if (isEqual(await weight.data(), expected[0]!) && isEqual(await bias!.data(), expected[1]!)) same++;
      model.dispose();
    }
    gpu.close();
    return [all('seeds whose initial weight [2, 512] and bias [2] are bit-equal', same, SEEDS)];
  },
};

function torchDraws(context: Context): Map<string, TensorData> {
  const output = join(context.scratch, 'draws.safetensors');
  runScript(context, 'verify/python/draws.py', [output]);
  return readSafetensors(output).tensors;
}

/** `count` draws of random_ on int64, each as four values of 16 bits, least significant first. */
function pieces(generator: Generator, count: number): number[] {
  return Array.from({ length: count }, () => {
    const value = generator.random63();
    return [0n, 16n, 32n, 48n].map((shift) => Number((value >> shift) & 0xffffn));
  }).flat();
}

/** The number of equal values; 0 if the lengths differ. */
function countEqual(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return 0;
  let equal = 0;
  for (let i = 0; i < a.length; i++) if (Object.is(a[i], b[i])) equal++;
  return equal;
}

function isEqual(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return countEqual(a, b) === b.length;
}

/** Prediction with half-precision storage: close to f32, labelled, and an error on a device without it. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { MissingFeatureError } from '../../src/gpu/errors.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { openPredictor, type Prediction } from '../../src/predict/index.ts';
import { expectClose } from '../support/compare.ts';
import { openAs, withGpu } from '../support/gpu.ts';
import { call, drawPicture, randomState, SIZE, temporaryFolder, writeNet } from './support.ts';

const { gpuTest, gpu } = await withGpu({ half: true });
const root = temporaryFolder();
const names = ['ants', 'bees', 'wasps'];
const metadata = { classes: JSON.stringify(names), imageSize: String(SIZE) };
const paths = await Promise.all([0, 1, 2].map((i) => drawPicture(join(root, 'pictures', `${i}.png`), i + 1)));

let state: ReturnType<typeof randomState> | undefined;
const givenState = () => {
  state ??= randomState(gpu, names.length);
  return state;
};
const givenNet = () => writeNet(join(root, 'net.safetensors'), givenState(), metadata);

async function predictions(weights: string, half: boolean, on: Gpu = gpu): Promise<Prediction[]> {
  const predictor = await openPredictor(weights, { gpu: on, threads: 0, batchSize: 2, half });
  expect(predictor.half).toBe(half);
  try {
    return await predictor.predict(paths);
  } finally {
    await predictor.close();
  }
}

/** By the index of the class. */
const probabilities = (found: readonly Prediction[]) =>
  found.map(({ top }) => [...top].sort((a, b) => a.index - b.index).map(({ probability }) => probability));

gpuTest('probabilities differ from those of f32 storage, by some thousandths at most', async () => {
  const held = gpu.pool.liveBytes;
  const single = probabilities(await predictions(givenNet(), false)).flat();
  const half = probabilities(await predictions(givenNet(), true)).flat();
  expect(gpu.pool.liveBytes).toBe(held);
  expect(half).not.toEqual(single);
  // Scores here are about 1, with errors of some 1e-3 of their size.
  expectClose('probabilities', half, single, { atol: 3e-3, rtol: 0 });
});

gpuTest('the command says so on stderr and in each line of JSON', async () => {
  const expected = await predictions(givenNet(), true);
  const flags = ['--weights', givenNet(), '--threads', '0', '--batch-size', '2', '--half'];
  const json = await call([...flags, '--json', ...paths]);
  expect(json.code, json.stderr).toBe(0);
  const lines = json.stdout.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual(expected.map(({ path, top }) => ({ path, top, half: true })));
  expect(json.stderr).toMatch(
    /^Half-precision storage: weights and activations are kept in f16, computed with in f32/m,
  );
  const slow = /It is for GPUs: on this adapter it takes longer than f32$/m;
  if (gpu.traits.kind === 'cpu') expect(json.stderr).toMatch(slow);
  else expect(json.stderr).not.toMatch(slow);
});

gpuTest('without it, the output never says half', async () => {
  const { code, stdout, stderr } = await call(['--weights', givenNet(), '--threads', '0', '--json', ...paths]);
  expect(code, stderr).toBe(0);
  expect(`${stdout}${stderr}`).not.toMatch(/half/i);
});

gpuTest('a device that was opened without it gives an error and keeps no memory', async () => {
  const other = await openAs({ shaderF16: false });
  const held = other.pool.liveBytes;
  await expect(predictions(givenNet(), true, other)).rejects.toThrow(MissingFeatureError);
  expect(other.pool.liveBytes).toBe(held);
});

gpuTest('scores beyond the range of f16 are an error that names the remedy', async () => {
  // The first activations are 300,000: f32 holds that, but f16 makes it infinite.
  const large = new Map(givenState());
  const bias = large.get('bn1.bias')!;
  large.set('bn1.bias', { ...bias, data: new Float32Array(bias.data.length).fill(3e5) });
  const file = writeNet(join(root, 'large.safetensors'), large, metadata);
  expect(await predictions(file, false)).toHaveLength(paths.length);
  await expect(predictions(file, true)).rejects.toThrow('give others, or turn half precision off.');
});

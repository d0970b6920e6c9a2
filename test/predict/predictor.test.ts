/** The predictor as a library: probabilities against a reference, order, unreadable files, refused input. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { noGrad, scope, Tensor } from '../../src/autograd/index.ts';
import { decode, normalize, valCrop } from '../../src/data/index.ts';
import { DawngradError, FileError, UsageError } from '../../src/errors.ts';
import { type ResNet, resnet18 } from '../../src/models/index.ts';
import { openPredictor, type Prediction, type Predictor } from '../../src/predict/index.ts';
import { expectClose } from '../support/compare.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPicture, randomState, SIZE, temporaryFolder, writeBroken, writeNet } from './support.ts';

const { gpuTest, gpu } = await withGpu();
const root = temporaryFolder();
const CLASSES = 7;
const names = Array.from({ length: CLASSES }, (_, i) => `kind ${i}`);
const metadata = { classes: JSON.stringify(names), imageSize: String(SIZE) };
const paths = await Promise.all([0, 1, 2, 3, 4].map((i) => drawPicture(join(root, 'pictures', `${i}.png`), i + 1)));

/** Softmax in double of float32 scores: only the rounding of the scores differs, by some 1e-6 of their size. */
const TOLERANCE = { atol: 1e-6, rtol: 1e-5 };

let net: { readonly path: string; readonly state: ReturnType<typeof randomState> } | undefined;

/** The file of the network that most tests use, made once. */
function givenNet() {
  if (!net) {
    const state = randomState(gpu, CLASSES);
    net = { path: writeNet(join(root, 'net.safetensors'), state, metadata), state };
  }
  return net;
}

async function withPredictor(
  weights: string,
  options: Parameters<typeof openPredictor>[1],
  use: (predictor: Predictor) => Promise<void>,
): Promise<void> {
  const predictor = await openPredictor(weights, { gpu, threads: 1, ...options });
  try {
    await use(predictor);
  } finally {
    await predictor.close();
  }
}

/** The probabilities of all classes for one picture, from the predictor's own parts and a separate softmax. */
async function reference(model: ResNet, path: string, size: number): Promise<number[]> {
  const pixels = valCrop(await decode(path), { kind: 'val', size, resize: Math.round((size * 256) / 224) });
  const image = new Float32Array(3 * size * size);
  normalize(pixels, size, false, image);
  const logits = scope(() => noGrad(() => model.call(Tensor.from(gpu, image, [1, 3, size, size])).readback()));
  const scores = [...new Float32Array(await logits.get())];
  const logSum = Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0));
  return scores.map((score) => Math.exp(score - logSum));
}

async function references(size: number): Promise<number[][]> {
  const { state } = givenNet();
  const model = resnet18(gpu, { classes: CLASSES, init: 'skip' });
  model.loadStateDict(state);
  model.eval();
  const all: number[][] = [];
  for (const path of paths) all.push(await reference(model, path, size));
  model.dispose();
  return all;
}

function expectPredictions(found: readonly Prediction[], expected: readonly number[][]): void {
  expect(found.map(({ path }) => path)).toEqual(paths);
  found.forEach(({ top }, i) => {
    const probabilities = expected[i]!;
    const order = probabilities.map((_, index) => index).sort((a, b) => probabilities[b]! - probabilities[a]!);
    expect(top.map(({ index }) => index)).toEqual(order.slice(0, top.length));
    expect(top.map(({ name }) => name)).toEqual(order.slice(0, top.length).map((index) => names[index]));
    expectClose(
      `picture ${i}`,
      top.map(({ probability }) => probability),
      order.map((index) => probabilities[index]!).slice(0, top.length),
      TOLERANCE,
    );
  });
}

gpuTest('probabilities are the softmax of the scores, for any batch size and number of threads', async () => {
  const { path } = givenNet();
  const expected = await references(SIZE);
  // Otherwise the comparison would prove nothing.
  for (const one of expected) expect(Math.max(...one)).toBeLessThan(0.99);
  expect(new Set(expected.map((one) => one.join())).size).toBe(paths.length);
  for (const [batchSize, threads] of [
    [1, 2],
    [2, 0],
    [3, 1],
    [8, 2],
  ]) {
    await withPredictor(path, { batchSize, threads }, async (predictor) => {
      expectPredictions(await predictor.predict(paths, { top: CLASSES }), expected);
    });
  }
});

gpuTest('returns the five likeliest classes, or the requested number, or all', async () => {
  const { path } = givenNet();
  const expected = await references(SIZE);
  await withPredictor(path, {}, async (predictor) => {
    const five = await predictor.predict(paths);
    expect(five.map(({ top }) => top.length)).toEqual(paths.map(() => 5));
    expectPredictions(five, expected);
    expectPredictions(await predictor.predict(paths, { top: 1 }), expected);
    expect((await predictor.predict(paths.slice(0, 1), { top: 100 }))[0]!.top).toHaveLength(CLASSES);
    await expect(predictor.predict(paths, { top: 0 })).rejects.toThrow(UsageError);
  });
});

gpuTest('takes names and size from the checkpoint, and the size from the options if given', async () => {
  const { path, state } = givenNet();
  await withPredictor(path, {}, async (predictor) => {
    const { architecture, classes, namesFrom, imageSize, weights } = predictor;
    expect({ architecture, classes, namesFrom, imageSize, weights }).toEqual({
      architecture: 'resnet18',
      classes: names,
      namesFrom: 'checkpoint',
      imageSize: SIZE,
      weights: path,
    });
  });
  await withPredictor(path, { imageSize: 48 }, async (predictor) => {
    expectPredictions(await predictor.predict(paths), await references(48));
  });
  const nothingSaid = writeNet(join(root, 'nothing-said.safetensors'), state, { imageSize: 'large' });
  await withPredictor(nothingSaid, {}, async ({ classes, namesFrom, imageSize }) => {
    expect({ first: classes[0], namesFrom, imageSize }).toEqual({
      first: 'class 0',
      namesFrom: 'numbers',
      imageSize: 224,
    });
  });
});

gpuTest('pixels give the same result as their file, also among files', async () => {
  const { path } = givenNet();
  await withPredictor(path, {}, async (predictor) => {
    const pixels = await Promise.all(paths.map((path) => decode(path)));
    const fromFiles = await predictor.predict(paths);
    const mixed = await predictor.predict([pixels[0]!, paths[1]!, pixels[2]!, pixels[3]!, paths[4]!]);
    expect(mixed.map(({ top }) => top)).toEqual(fromFiles.map(({ top }) => top));
    expect(mixed.map(({ path }) => path)).toEqual([undefined, paths[1], undefined, undefined, paths[4]]);
    const { width, height } = pixels[0]!;
    const short = { width, height: height + 1, pixels: pixels[0]!.pixels };
    // In JavaScript nothing else would tell, and each letter of a path would be a picture.
    await expect(predictor.predict(paths[0] as never)).rejects.toThrow(
      /^pictures: expected a list of pictures, found one path; put it in brackets/,
    );
    await expect(predictor.predict(pixels[0] as never)).rejects.toThrow(/a list of pictures, found something else/);
    await expect(predictor.predict([short])).rejects.toThrow(/expected \d+ bytes, interleaved RGB, found \d+/);
    await expect(predictor.predict([{ width: 0, height: 0, pixels: new Uint8Array(0) }])).rejects.toThrow(
      DawngradError,
    );
  });
});

gpuTest('an unreadable file keeps its place in the order, at any position', async () => {
  const { path } = givenNet();
  const broken = writeBroken(join(root, 'broken.jpg'));
  const missing = join(root, 'missing.png');
  await withPredictor(path, { batchSize: 2 }, async (predictor) => {
    const good = await predictor.predict(paths);
    for (const bad of [[0], [5], [2], [0, 1, 2], [1, 3, 5], [3, 4, 5, 6, 7], [0, 1, 5, 6, 9, 10]]) {
      const rest = [...good];
      const expected = Array.from({ length: paths.length + bad.length }, (_, i) =>
        bad.includes(i) ? broken : rest.shift()!,
      );
      const given = expected.map((one) => (typeof one === 'string' ? one : one.path!));
      const found: unknown[] = [];
      for await (const outcome of predictor.each(given)) {
        if ('error' in outcome) {
          expect(outcome.error).toBeInstanceOf(FileError);
          expect(outcome.error.message.startsWith(`${broken}: `)).toBe(true);
          found.push(outcome.path);
        } else found.push(outcome);
      }
      expect(found).toEqual(expected);
    }
    const only: unknown[] = [];
    for await (const outcome of predictor.each([broken, missing, broken])) only.push(outcome);
    expect(only).toMatchObject([{ path: broken }, { path: missing }, { path: broken }]);
    await expect(predictor.predict([paths[0]!, missing, broken])).rejects.toThrow(`${missing}: the picture is missing`);
    expect(await predictor.predict([])).toEqual([]);
  });
});

gpuTest('stopping early and two predictions at once give correct results', async () => {
  const { path } = givenNet();
  await withPredictor(path, { batchSize: 2 }, async (predictor) => {
    const expected = await predictor.predict(paths);
    for await (const outcome of predictor.each(paths)) {
      expect(outcome).toEqual(expected[0]);
      break;
    }
    const [a, b] = await Promise.all([predictor.predict(paths), predictor.predict(paths.toReversed())]);
    expect(a).toEqual(expected);
    expect(b).toEqual(expected.toReversed());
  });
});

gpuTest('60 pictures take no more device memory than 20', async () => {
  const { path } = givenNet();
  await withPredictor(path, { batchSize: 2 }, async (predictor) => {
    const many = Array.from({ length: 60 }, (_, i) => paths[i % paths.length]!);
    await predictor.predict(many.slice(0, 20));
    const before = gpu.pool.allocatedBytes;
    await predictor.predict(many);
    expect(gpu.pool.allocatedBytes).toBe(before);
  });
});

gpuTest('a closed predictor says so and frees its network, and a given device stays open', async () => {
  const { path } = givenNet();
  const held = gpu.pool.liveBytes;
  const predictor = await openPredictor(path, { gpu, threads: 0 });
  await predictor.predict(paths);
  expect(gpu.pool.liveBytes).toBeGreaterThan(held);
  await predictor.close();
  await predictor.close();
  await expect(predictor.predict(paths)).rejects.toThrow(/was closed/);
  expect(gpu.pool.liveBytes).toBe(held);
  await withPredictor(path, {}, async (other) => {
    expect(await other.predict(paths.slice(0, 1))).toHaveLength(1);
  });
});

gpuTest('it closes its own device, and work in progress fails', async () => {
  const { path } = givenNet();
  const predictor = await openPredictor(path, { threads: 1, batchSize: 1 });
  const pictures = predictor.each(paths);
  expect((await pictures.next()).value).toMatchObject({ path: paths[0] });
  await predictor.close();
  const rest = async () => {
    while (!(await pictures.next()).done);
  };
  await expect(rest()).rejects.toThrow(DawngradError);
  await expect(predictor.predict(paths)).rejects.toThrow(/was closed/);
});

gpuTest('unsuitable weights are refused by name, and the device keeps no memory', async () => {
  const { path, state } = givenNet();
  const without = new Map([...state].filter(([name]) => !name.startsWith('fc.')));
  const one = new Map(state).set('fc.weight', { shape: [1, 512], data: new Float32Array(512) });
  const strange = new Map([['features.0.weight', { shape: [1], data: new Float32Array(1) }]]);
  const extra = new Map(state).set('extra.weight', { shape: [1], data: new Float32Array(1) });
  const refused = async (name: string, tensors: typeof state, message: RegExp) => {
    const file = writeNet(join(root, name), tensors);
    const error = await openPredictor(file, { gpu }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(FileError);
    expect((error as FileError).message).toMatch(message);
    expect((error as FileError).message.startsWith(`${file}: `)).toBe(true);
  };
  await refused('without.safetensors', without, /expected a last layer .* found none/);
  await refused('one.safetensors', one, /two or more outputs, one per class, found one with 1/);
  await refused('strange.safetensors', strange, /expected the weights of a known network/);
  const held = gpu.pool.liveBytes;
  await refused('extra.safetensors', extra, /nothing was loaded.*unexpected: extra\.weight \[1\]/s);
  expect(gpu.pool.liveBytes).toBe(held);
  await expect(openPredictor(join(root, 'nowhere.pth'), { gpu })).rejects.toThrow(FileError);
  await expect(openPredictor(path, { gpu, imageSize: 16 })).rejects.toThrow(/imageSize: expected a whole number/);
  await expect(openPredictor(path, { gpu, batchSize: 0 })).rejects.toThrow(/batchSize: expected a whole number/);
});

gpuTest('scores that are NaN are an error that names the weights', async () => {
  const { state } = givenNet();
  const bias = { shape: [CLASSES], data: new Float32Array(CLASSES).fill(Number.NaN) };
  const file = writeNet(join(root, 'nan.safetensors'), new Map(state).set('fc.bias', bias), metadata);
  await withPredictor(file, {}, async (predictor) => {
    const start = `${file}: the network's scores of ${paths[0]} are not all finite numbers`;
    await expect(predictor.predict(paths)).rejects.toThrow(start);
  });
});

/** Runs that start from an ONNX file: trained, gone on with, and read again wherever the weights are copied to. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FileError, UsageError } from '../../src/errors.ts';
import { openNet } from '../../src/onnx/start.ts';
import { openPredictor } from '../../src/predict/index.ts';
import { evaluate, resumeTraining, type TrainOptions, train } from '../../src/train/index.ts';
import { readCheckpoint } from '../../src/weights/index.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPictures, readJson, TINY, TRAINING_TIMEOUT, temporaryFolder } from '../train/support.ts';
import { smallFile } from './graphs.ts';

const { gpuTest, gpu } = await withGpu();
const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));
const weights = join(root, 'net.onnx');
writeFileSync(weights, await smallFile());
const OPTIONS = { ...TINY, data, weights, gpu, batchSize: 4, epochs: 1, pictures: false } satisfies TrainOptions;

gpuTest(
  'a run keeps the graph, goes on, and its weights are enough to predict',
  async () => {
    const out = join(root, 'run');
    await train({ ...OPTIONS, out, unfreeze: 'layer' });
    expect(readJson(join(out, 'config.json'))).toMatchObject({ architecture: 'onnx', graph: expect.any(String) });
    const again = await resumeTraining(out, { epochs: 2, gpu });
    expect(again.summary.epochs).toBe(2);
    const copied = join(root, 'copied.safetensors');
    copyFileSync(join(out, 'best.safetensors'), copied);
    const { tensors } = readCheckpoint(copied);
    const initial = (await openNet(weights)).checkpoint.tensors;
    expect([...tensors.keys()].sort()).toEqual([...initial.keys()].sort());
    // Frozen, and learnt.
    expect(tensors.get('stem.conv.weight')!.data).toEqual(initial.get('stem.conv.weight')!.data);
    expect(tensors.get('fc.weight')!.data).not.toEqual(initial.get('fc.weight')!.data);
    const { acc } = await evaluate({ data, weights: copied, imageSize: TINY.imageSize, gpu });
    expect(acc).toBe(again.summary.bestValAcc);
    const predictor = await openPredictor(copied, { gpu });
    expect([predictor.architecture, predictor.imageSize]).toEqual(['onnx', TINY.imageSize]);
    await predictor.close();
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'a probe takes its features',
  async () => {
    const { workers: _, ...options } = OPTIONS;
    const { metrics } = await train({ ...options, mode: 'probe', out: join(root, 'probe'), featureCache: false });
    expect(metrics.length).toBeGreaterThan(0);
  },
  TRAINING_TIMEOUT,
);

test('a head is for ONNX files', async () => {
  const file = join(root, 'other.safetensors');
  await expect(openNet(file, 'fc')).rejects.toThrow(UsageError);
});

test('a file that is missing, or is none, is named', async () => {
  await expect(openNet(join(root, 'missing.onnx'))).rejects.toThrow(`${join(root, 'missing.onnx')}: no such file`);
  const text = join(root, 'text.onnx');
  writeFileSync(text, 'not a network');
  await expect(openNet(text)).rejects.toThrow(FileError);
});

/** Augmentation, mixup, smoothed labels and class weights: their options, their flags, and runs that go on to the bit. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { regularizationLines } from '../../src/cli/train-flags/regularization.ts';
import { parseTrainFlags } from '../../src/cli/train-flags.ts';
import { DecoderPool, Generator, trainTransform } from '../../src/data/index.ts';
import { UsageError } from '../../src/errors.ts';
import { IMAGENET_INPUT, withCrop } from '../../src/input-spec.ts';
import { drawTrainBatch, pictureOf } from '../../src/pictures/index.ts';
import { numberSettings } from '../../src/plan/index.ts';
import {
  makeLoaders,
  openPictures,
  type PhaseMetrics,
  resumeTraining,
  type TrainOptions,
  train,
} from '../../src/train/index.ts';
import {
  described,
  PLAIN,
  type RegularizationOptions,
  regularizationOf,
  settle,
  written,
} from '../../src/train/regularization.ts';
import { RunFolder } from '../../src/train/run-folder.ts';
import { RunPictures } from '../../src/train/run-pictures.ts';
import { readCheckpoint } from '../../src/weights/index.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPictures, readJson, readJsonLines, TINY, TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

const { gpu, gpuTest } = await withGpu();
const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));
const CLASSES = ['discs', 'stripes'];

describe('options', () => {
  test.each<[string, object, RegExp]>([
    ['an unknown augmentation', { augment: 'weak' }, /augment: expected tutorial, light, strong, none, found "weak"/],
    ['a negative mixup', { mixup: -0.1 }, /mixup: expected a number from 0 to 1000, found -0.1/],
    ['a mixup that is no number', { mixup: Number.NaN }, /mixup: .* found NaN/],
    ['too much smoothing', { labelSmoothing: 1.5 }, /labelSmoothing: expected a number from 0 to 1, found 1.5/],
    [
      'a class without weight',
      { classWeights: { discs: 1 } },
      /classWeights: .*\(discs, stripes\), found none for stripes/,
    ],
    ['an unknown class', { classWeights: { discs: 1, stripes: 1, dots: 2 } }, /found one for dots, which is no class/],
    ['a weight of 0', { classWeights: { discs: 0, stripes: 1 } }, /found 0 for discs; a weight is more than 0/],
    ['a weight in words', { classWeights: { discs: 1, stripes: 'two' } }, /found "two" for stripes/],
    ['another word', { classWeights: 'equal' }, /expected "balanced", or .*found "equal"/],
    ['an inherited name', { classWeights: { discs: 1, toString: 1 } }, /none for stripes/],
  ])('%s', (_, options, message) => {
    const check = () => regularizationOf(options as RegularizationOptions, CLASSES);
    expect(check).toThrow(UsageError);
    expect(check).toThrow(message);
  });

  test('balanced weights are n / (k · count)', () => {
    const samples = [0, 0, 0, 1].map((label, i) => ({ path: `${i}`, label }));
    const open = regularizationOf({ classWeights: 'balanced' }, CLASSES);
    expect(settle(open, { classes: CLASSES, samples }).classWeights).toEqual([4 / 6, 4 / 2]);
  });

  test('weights are in the order of the labels', () => {
    expect(regularizationOf({ classWeights: { stripes: 3, discs: 2 } }, CLASSES).classWeights).toEqual([2, 3]);
  });
});

test('train-batch.png names both classes of a mixture, and how the pictures were changed', async () => {
  const folder = new RunFolder(join(root, 'drawn'));
  const images = new Float32Array(3 * 3 * 32 * 32);
  const regularization = { augment: 'light', mixup: 0.2 } as const;
  const best = { epoch: null, acc: 0 };
  const pictures = new RunPictures({ folder, classes: CLASSES, metrics: [], best, regularization });
  pictures.seeBatch({ images, labels: Int32Array.of(1, 0, 0), size: 3, mix: 0.734 });
  await pictures.drawBatch();
  folder.close();
  const expected = await drawTrainBatch({
    pictures: ['73 % stripes, 27 % discs', '73 % discs, 27 % stripes', 'discs'].map((className, i) => ({
      picture: pictureOf(images, 3, i),
      className,
    })),
    size: 3,
    how: 'cropped, mirrored and coloured at random, mixed in pairs',
  });
  expect(readFileSync(join(root, 'drawn', 'train-batch.png')).equals(expected)).toBe(true);
});

describe('flags', () => {
  const file = (text: string) => {
    const path = join(root, 'weights.json');
    writeFileSync(path, text);
    return path;
  };
  const parse = (...args: string[]) => parseTrainFlags(['--data', data, ...args], {});

  test('become options', () => {
    const weights = file('{"discs": 1, "stripes": 2.5}');
    expect(
      parse('--augment', 'light', '--mixup', '0.2', '--label-smoothing', '0.1', '--class-weights', weights),
    ).toMatchObject({
      regularization: { augment: 'light', mixup: 0.2, labelSmoothing: 0.1, classWeights: { discs: 1, stripes: 2.5 } },
    });
    expect(parse('--class-weights', 'balanced')).toMatchObject({ regularization: { classWeights: 'balanced' } });
    expect(parse()).toMatchObject({ regularization: {} });
  });

  test.each<[string, string[], RegExp]>([
    [
      'an unknown augmentation',
      ['--augment', 'weak'],
      /--augment: expected tutorial, light, strong, none, found "weak"/,
    ],
    ['a negative mixup', ['--mixup', '-1'], /--mixup/],
    ['a word for a number', ['--label-smoothing', 'much'], /--label-smoothing: expected a number, found "much"/],
    ['a missing file', ['--class-weights', 'nowhere.json'], /--class-weights: nowhere.json: no such file/],
  ])('%s', (_, args, message) => expect(() => parse(...args)).toThrow(message));

  test.each<[string, string, RegExp]>([
    ['no JSON', 'discs: 1', /weights.json: expected a JSON object .*found no JSON/],
    ['a list', '[1, 2]', /found \[1,2\]/],
    ['a word as weight', '{"discs": "1"}', /found "1" for discs; a weight is more than 0/],
  ])('a file with %s', (_, text, message) => {
    const path = file(text);
    expect(() => parse('--class-weights', path)).toThrow(message);
  });

  test('none of them stands beside --resume', () => {
    for (const flag of ['augment', 'mixup', 'label-smoothing', 'class-weights']) {
      expect(() => parseTrainFlags(['--resume', root, `--${flag}`, '0'], {})).toThrow(/that of the run; leave it out/);
    }
  });

  test('the report names what is not the tutorial’s', () => {
    expect(regularizationLines({})).toEqual([]);
    expect(regularizationLines({ augment: 'light', mixup: 0.2, classWeights: { discs: 2 / 3, stripes: 2 } })).toEqual([
      "Not the tutorial's: augment light, mixup 0.2, class weights discs 0.667, stripes 2",
    ]);
  });
});

const OPTIONS = {
  ...TINY,
  data,
  batchSize: 5,
  epochs: 1,
  lr: 0.01,
  pictures: false,
  mode: 'extract',
} satisfies TrainOptions;
const MUCH = { augment: 'strong', mixup: 0.4, labelSmoothing: 0.1, classWeights: 'balanced' } as const;

/** What a run leaves, without times and starts. */
function results(folder: string) {
  const { tensors, metadata } = readCheckpoint(join(folder, 'last.safetensors'));
  const { extra, ...saved } = JSON.parse(metadata['dawngrad.training']!);
  const rows = readJsonLines<PhaseMetrics>(folder, 'metrics.jsonl');
  return {
    rows: rows.map(({ loss, acc }) => [loss, acc]),
    best: readFileSync(join(folder, 'best.safetensors')).toString('base64'),
    saved: { ...saved, position: extra.position, regularization: extra.regularization },
    bytes: [...tensors].map(([name, { data: values }]) => [name, Buffer.from(values.buffer).toString('base64')]),
  };
}

gpuTest(
  'a run with all of it that was stopped goes on to the bit',
  async () => {
    const [whole, stopped] = [join(root, 'whole'), join(root, 'stopped')];
    await train({ ...OPTIONS, ...MUCH, gpu, out: whole });
    const stop = new AbortController();
    const reporter = { stepDone: () => stop.abort() };
    const { summary } = await train({ ...OPTIONS, ...MUCH, gpu, out: stopped, reporter, signal: stop.signal });
    expect(summary.interrupted).toBe(true);
    await resumeTraining(stopped, { pictures: false, gpu });
    expect(results(stopped)).toEqual(results(whole));
    const balanced = { ...MUCH, classWeights: { discs: 1, stripes: 1 } };
    expect(readJson(stopped, 'config.json')).toMatchObject(balanced);
    expect(results(whole).saved.regularization).toEqual({ ...MUCH, classWeights: [1, 1] });
  },
  TRAINING_TIMEOUT,
);

describe('a plain run', () => {
  test('has nothing of all this in its files', () => {
    expect(written(PLAIN)).toEqual({});
    expect(described(PLAIN, CLASSES)).toEqual({});
  });

  test('differs from one without augmentation, which sees training pictures as val does', () => {
    const transformOf = (options: RegularizationOptions) => {
      const pool = new DecoderPool(0);
      const settings = { ...numberSettings({}), input: withCrop(IMAGENET_INPUT, 32) };
      const pictures = openPictures(data);
      const { train: loader, val } = makeLoaders(
        pictures,
        settings,
        new Generator(0),
        pool,
        regularizationOf(options, CLASSES),
      );
      return { train: loader.options.transform, val: val.options.transform, mixup: loader.options.mixup };
    };
    const plain = transformOf({});
    const input = withCrop(IMAGENET_INPUT, 32);
    expect(plain).toEqual({ train: trainTransform(input), val: plain.val, mixup: undefined });
    const none = transformOf({ augment: 'none', mixup: 0.2 });
    expect(none).toEqual({ train: plain.val, val: plain.val, mixup: 0.2 });
    expect(transformOf({ augment: 'light' }).train).toEqual(trainTransform(input, 'light'));
  });
});

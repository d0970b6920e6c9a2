/** A chooser keeps its own record, and a device has one chooser at a time. */
import { describe, expect, test } from 'vitest';
import { conv2d, linear, scope, Tensor } from '../../src/autograd/index.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { Chooser, chooserOf } from '../../src/kernels/chooser.ts';
import { linearWork } from '../../src/kernels/linear/choose.ts';
import { openDryGpu } from '../../src/plan/index.ts';
import { PLAIN_GPU } from '../support/resnet18.ts';

const SIZE = { rows: 20, inFeatures: 8, outFeatures: 30 };
const WORK = linearWork('forward', SIZE);
const CONV = 'conv2d forward 1x1x4x4 -> 1, 3x3 /1 +0 frozen';

/** A stand-in device, because these tests only look at choices. */
const open = (chooser?: Chooser): Gpu => openDryGpu(PLAIN_GPU, chooser);

const runLinear = (gpu: Gpu) =>
  scope(() => {
    linear(Tensor.zeros(gpu, [SIZE.rows, SIZE.inFeatures]), Tensor.zeros(gpu, [SIZE.outFeatures, SIZE.inFeatures]));
  });
const runConv = (gpu: Gpu) =>
  scope(() => {
    conv2d(Tensor.zeros(gpu, [1, 1, 4, 4]), Tensor.zeros(gpu, [1, 1, 3, 3]));
  });

describe('a chooser', () => {
  test('follows forced variants first, then tuned choices, then the tables', () => {
    const tuned = new Map([[WORK.name, 'dots']]);
    expect(new Chooser().variantFor(WORK, PLAIN_GPU)).toBe('tiled');
    expect(new Chooser({ tuned }).variantFor(WORK, PLAIN_GPU)).toBe('dots');
    expect(new Chooser({ tuned, forced: { linear: 'tiled' } }).variantFor(WORK, PLAIN_GPU)).toBe('tiled');
    expect(new Chooser({ tuned, forced: { conv2d: 'rows' } }).variantFor(WORK, PLAIN_GPU)).toBe('dots');
  });

  test('records the work that ops ask for, by name, with counts', () => {
    const chooser = new Chooser({ tuned: new Map([[WORK.name, 'dots']]) });
    const gpu = open(chooser);
    for (const run of [runLinear, runConv, runLinear]) run(gpu);
    expect(Object.entries(chooser.choices)).toEqual([
      [CONV, 'tiled'],
      [WORK.name, 'dots'],
    ]);
    expect(chooser.works.map(({ name }) => name)).toEqual([WORK.name, CONV]);
    expect(chooser.works.map((work) => chooser.usesOf(work))).toEqual([2, 1]);
  });

  test('records nothing when it only answers', () => {
    const chooser = new Chooser();
    chooser.variantFor(WORK, PLAIN_GPU);
    expect([chooser.works, chooser.usesOf(WORK)]).toEqual([[], 0]);
  });

  test('makes a fresh chooser with its settings, or other tuned choices, and an empty record', () => {
    const settings = { tuned: new Map([[WORK.name, 'dots']]), forced: { conv2d: 'rows' } } as const;
    const chooser = new Chooser(settings);
    chooser.choose(WORK, PLAIN_GPU);
    expect(chooser.fresh().settings).toEqual(settings);
    const other = new Map([[WORK.name, 'tiled']]);
    expect(chooser.fresh(other).settings).toEqual({ ...settings, tuned: other });
    expect(chooser.fresh().choices).toEqual({});
    expect(chooser.choices).toEqual({ [WORK.name]: 'dots' });
  });
});

describe('a device', () => {
  test('opened without a chooser always has the same one, which follows the tables', () => {
    const [gpu, other] = [open(), open()];
    runLinear(gpu);
    expect(chooserOf(gpu)).toBe(chooserOf(gpu));
    expect(chooserOf(gpu).choices).toEqual({ [WORK.name]: 'tiled' });
    expect(chooserOf(other).choices).toEqual({});
  });

  test('has another chooser while a function runs, with a record of its own', () => {
    const own = new Chooser();
    const gpu = open(own);
    runLinear(gpu);
    const other = new Chooser({ forced: { linear: 'dots' } });
    const result = gpu.withChooser(other, () => {
      expect(gpu.chooser).toBe(other);
      runLinear(gpu);
      const third = new Chooser();
      gpu.withChooser(third, () => runConv(gpu));
      expect(third.choices).toEqual({ [CONV]: 'tiled' });
      expect(gpu.chooser).toBe(other);
      return 7;
    });
    expect(result).toBe(7);
    expect(gpu.chooser).toBe(own);
    expect(own.choices).toEqual({ [WORK.name]: 'tiled' });
    expect(own.usesOf(WORK)).toBe(1);
    expect(other.choices).toEqual({ [WORK.name]: 'dots' });
  });

  test('gets its chooser back after a function throws, and refuses an asynchronous function', async () => {
    const own = new Chooser();
    for (const gpu of [open(own), open()]) {
      const before = gpu.chooser;
      expect(() =>
        gpu.withChooser(new Chooser(), () => {
          throw new RangeError('inside');
        }),
      ).toThrow(RangeError);
      expect(gpu.chooser).toBe(before);
      const failing = async () => {
        await undefined;
        throw new RangeError('nothing awaits this');
      };
      expect(() => gpu.withChooser(new Chooser(), failing)).toThrow(TypeError);
      expect(() => gpu.withChooser(new Chooser(), failing)).toThrow(/synchronous function/);
      expect(gpu.chooser).toBe(before);
    }
    await new Promise((resolve) => setImmediate(resolve));
  });
});

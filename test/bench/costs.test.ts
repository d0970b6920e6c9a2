/** Operations and bytes of real steps, recorded on a dry device, against counts by hand. */
import { describe, expect, test } from 'vitest';
import { costOf } from '../../bench/costs.ts';
import { type Piece, piecesOf } from '../../bench/profile.ts';
import { Steps, WORKS, type Work } from '../../bench/steps.ts';
import { recordDispatches } from '../../bench/timing.ts';
import { noGrad, scope, Tensor } from '../../src/autograd/index.ts';
import type { Dispatch } from '../../src/gpu/gpu.ts';
import { resnet18 } from '../../src/models/index.ts';
import { openDryGpu } from '../../src/plan/index.ts';
import { CPU, GPU } from './support.ts';

/** A step after the first, at batch 4 and 224×224. */
function dispatchesOf(work: Work, traits: typeof CPU): Dispatch[] {
  const gpu = openDryGpu(traits);
  const steps = new Steps(gpu, work, { batchSize: 4 });
  steps.submit().dispose();
  const dispatches = recordDispatches(gpu, () => steps.submit().dispose());
  steps.dispose();
  return dispatches;
}

const recorded = new Map(
  [CPU, GPU].map((traits) => [traits, new Map(WORKS.map((work) => [work, dispatchesOf(work, traits)]))]),
);
const pieces = (work: Work, traits = CPU) => piecesOf(recorded.get(traits)!.get(work)!);
const step = pieces('finetune-step');

function find(kernel: string, shape: string, among = step): Piece {
  const found = among.find((piece) => piece.kernel === kernel && piece.shape === shape);
  if (!found) throw new Error(`no ${kernel} ${shape} among ${among.map((p) => `${p.kernel} ${p.shape}`).join('; ')}`);
  return found;
}

const count = (kernel: string, shape: string) =>
  step.filter((piece) => piece.kernel === kernel && piece.shape === shape).length;

describe('operations of convolutions', () => {
  test.each([
    // 2 · batch · output channels and plane · input channels · taps
    ['winograd', 'forward 4x3x224x224 -> 64, 7x7 /2 +3', 2 * 4 * 64 * 112 * 112 * 3 * 49],
    // Winograd multiplies a quarter of this.
    ['winograd', 'forward 4x64x56x56 -> 64, 3x3 /1 +1', 924_844_032],
    ['winograd', 'inputGrad 4x64x56x56 -> 64, 3x3 /1 +1', 924_844_032],
    ['winograd', 'weightGrad 4x64x56x56 -> 64, 3x3 /1 +1', 924_844_032],
    ['winograd', 'inputGrad 4x512x7x7 -> 512, 3x3 /1 +1', 924_844_032],
    ['conv2d_rows_weight_grad', 'weightGrad 4x128x28x28 -> 256, 3x3 /2 +1', 2 * 4 * 256 * 14 * 14 * 128 * 9],
    ['conv2d_texels_weight_grad', 'weightGrad 4x512x7x7 -> 512, 3x3 /1 +1', 924_844_032],
    ['conv2d_rows', 'forward 4x64x56x56 -> 128, 1x1 /2 +0', 2 * 4 * 128 * 28 * 28 * 64],
    ['conv2d_texels_weight_grad', 'weightGrad 4x256x14x14 -> 512, 3x3 /2 +1', 2 * 4 * 512 * 7 * 7 * 256 * 9],
  ])('%s %s', (kernel, shape, flops) => expect(find(kernel, shape).flops).toBe(flops));

  test.each([
    // Four phases with 1, 2, 2 and 4 of the nine taps, each a quarter of the pixels.
    ['inputGrad 4x64x56x56 -> 128, 3x3 /2 +1', 2 * 4 * 64 * 28 * 28 * 128 * 9],
    // Three of the four phases of a single tap are zeros.
    ['inputGrad 4x64x56x56 -> 128, 1x1 /2 +0', 2 * 4 * 64 * 28 * 28 * 128],
  ])('the phases of a strided input gradient are one piece: %s', (shape, flops) => {
    expect(find('conv2d_rows', shape)).toMatchObject({ flops, joins: true });
    expect(find('conv2d_rows', shape).dispatches).toHaveLength(4);
    expect(count('conv2d_rows', shape)).toBe(1);
  });

  test('the transforms and products of a convolution by Winograd are one piece', () => {
    // The weights have changed since the previous step, so they are transformed too.
    const { dispatches } = find('winograd', 'forward 4x64x56x56 -> 64, 3x3 /1 +1');
    expect(dispatches.map(({ program }) => program.name)).toEqual([
      'winograd_weight',
      'winograd_input',
      'winograd_product',
      'winograd_output',
    ]);
    expect(count('winograd', 'weightGrad 4x64x56x56 -> 64, 3x3 /1 +1')).toBe(4);
  });

  test('input gradients of the same shape in different blocks are separate pieces', () => {
    expect(count('winograd', 'inputGrad 4x512x7x7 -> 512, 3x3 /1 +1')).toBe(3);
  });

  test.each([
    ['conv2d_tiled', 'forward'],
    ['conv2d_tiled', 'inputGrad'],
    ['conv2d_tiled_weight_grad', 'weightGrad'],
  ])('on a GPU %s has as many', (kernel, pass) => {
    const onGpu = pieces('finetune-step', GPU);
    expect(find(kernel, `${pass} 4x64x56x56 -> 128, 3x3 /2 +1`, onGpu).flops).toBe(2 * 4 * 64 * 28 * 28 * 128 * 9);
  });

  test('a step has 20 forward passes, 20 weight gradients and 19 input gradients, of 11 shapes', () => {
    const byKind = (kind: string) => step.filter((piece) => piece.kind === kind && piece.flops !== undefined);
    const counts = ['conv forward', 'conv weight grad', 'conv input grad'].map((kind) => byKind(kind).length);
    expect(counts).toEqual([20, 20, 19]);
    expect(new Set(byKind('conv forward').map((piece) => piece.shape)).size).toBe(11);
  });
});

test.each([CPU, GPU])('a step has the operations of ResNet-18, on a $kind', (traits) => {
  const total = (work: Work) => pieces(work, traits).reduce((sum, piece) => sum + (piece.flops ?? 0), 0);
  // Multiplications per picture; the published total is 1.81 · 10^9.
  const stem = 64 * 112 * 112 * 3 * 49;
  // A 3×3 convolution takes as many in each layer, with half the side and twice the channels.
  const whole = 64 * 56 * 56 * 64 * 9;
  const layer1 = 4 * whole;
  // layer2, 3 and 4 begin with a convolution from half the channels, and a shortcut of one tap.
  const layer = 3 * whole + whole / 2 + whole / 18;
  const convs = stem + layer1 + 3 * layer;
  const fc = 512 * 2;
  expect(total('eval-forward')).toBe(2 * 4 * (convs + fc));
  // The pictures require no gradient.
  expect(total('finetune-step')).toBe(2 * 4 * (3 * convs - stem + 3 * fc));
  // The features require no gradient.
  expect(total('extract-step')).toBe(2 * 4 * (convs + 2 * fc));
});

describe('bytes that memory-bound kernels must move', () => {
  const plane = 4 * 64 * 112 * 112 * 4;
  test.each([
    ['accumulate', '802816', 3 * 802_816 * 4],
    ['fill', '1', 4],
    // The input; mean, 1 / deviation and the mean's rounding error; both running statistics, read and written.
    ['batch_norm_statistics', '4x64x12544', plane + 7 * 64 * 4],
    ['batch_norm_forward', '4x64x12544', 2 * plane + 5 * 64 * 4],
    ['batch_norm_backward_sums_relu', '4x64x12544', 2 * plane + 7 * 64 * 4],
    ['batch_norm_backward_input_relu', '4x64x12544', 3 * plane + 7 * 64 * 4],
    // A quarter as large. Forward: input, residual, output. Sums: input, output, its gradient before and after ReLU.
    ['batch_norm_forward_residual', '4x64x3136', (3 * plane) / 4 + 5 * 64 * 4],
    ['batch_norm_backward_sums_residual', '4x64x3136', (4 * plane) / 4 + 5 * 64 * 4],
    ['batch_norm_backward_input', '4x64x3136', (3 * plane) / 4 + 6 * 64 * 4],
    // The shortcuts, without ReLU and with an odd number of pixels.
    ['batch_norm_backward_sums', '4x512x49', (2 * 4 * 49 + 5) * 512 * 4],
    // Output and indices are each a quarter of the input.
    ['max_pool_forward_argmax', '256x112x112', 1.5 * plane],
    ['max_pool_backward', '256x112x112', 1.5 * plane],
    ['avg_pool_forward', '2048x49', 2048 * 50 * 4],
    ['avg_pool_backward', '2048x49', 2048 * 50 * 4],
    ['linear_backward_bias', '4x2', (8 + 2) * 4],
    ['cross_entropy_rows', '4x2', (8 + 4 + 4 + 8) * 4],
    ['loss_sum', '4', 5 * 4],
    ['cross_entropy_backward', '4x2', (8 + 4 + 8 + 1 + 8) * 4],
    ['sgd_momentum', '2359296', 5 * 2_359_296 * 4],
    ['conv2d_pack', 'forward 256 -> 512, 3x3', 2 * 256 * 512 * 9 * 4],
    ['conv2d_pack', 'inputGrad 512 -> 256, 3x3', 2 * 512 * 256 * 9 * 4],
  ])('%s %s', (kernel, shape, bytes) => expect(find(kernel, shape)).toMatchObject({ bytes }));

  test('a sum of slices reads each slice and writes one', () => {
    for (const { kernel, shape, bytes } of step) {
      if (kernel !== 'sum_slices') continue;
      const [slices, elements] = shape.split(' x ').map(Number);
      expect(bytes).toBe((slices! + 1) * elements! * 4);
    }
    expect(step.filter((piece) => piece.kernel === 'sum_slices').length).toBeGreaterThan(0);
  });

  test('evaluation mode has its own kernels', () => {
    const forward = pieces('eval-forward');
    // Batch norm is part of the convolutions, and its table of channels is kept between steps.
    expect(forward.filter(({ kind }) => kind === 'batch norm')).toEqual([]);
    expect(find('max_pool_forward', '256x112x112', forward)).toMatchObject({ bytes: 1.25 * plane });
  });

  test('linear layers are counted in operations', () => {
    for (const kernel of ['linear_forward_bias', 'linear_backward_input', 'linear_backward_weight']) {
      expect(find(kernel, '4x512 -> 2')).toMatchObject({ flops: 2 * 4 * 512 * 2, kind: 'linear' });
    }
  });
});

describe('in half precision', () => {
  const half = (() => {
    const gpu = openDryGpu({ ...GPU, shaderF16: true });
    const model = resnet18(gpu, { classes: 1000, init: 'skip' }).half();
    const run = () => noGrad(() => scope(() => model.call(Tensor.zeros(gpu, [4, 3, 224, 224])))).dispose();
    run();
    return piecesOf(recordDispatches(gpu, run));
  })();
  const plane = 4 * 64 * 112 * 112 * 2;

  test('values have two bytes, and the operations are the same', () => {
    expect(find('convert', '602112', half)).toMatchObject({ bytes: 6 * 602_112 });
    expect(find('max_pool_forward_half', '256x112x112', half)).toMatchObject({ bytes: 1.25 * plane });
    expect(find('avg_pool_forward_half', '2048x49', half)).toMatchObject({ bytes: 2048 * 50 * 2 });
    expect(find('linear_forward_bias_half', '4x512 -> 1000 f16', half)).toMatchObject({ flops: 2 * 4 * 512 * 1000 });
    const shape = 'forward 4x64x56x56 -> 64, 3x3 /1 +1 f16';
    expect(find('conv2d_tiled_half', shape, half)).toMatchObject({ flops: 924_844_032, kind: 'conv forward' });
  });

  test('there are no other kernels', () => {
    expect(new Set(half.map(({ kernel }) => kernel)).size).toBe(6);
    // All convolutions except the first and those of layer1 are cut into slices.
    expect(half.filter(({ kernel }) => kernel === 'sum_slices')).toHaveLength(15);
    expect(half).toHaveLength(20 + 4 + 15);
  });
});

test('weights are packed for forward and input gradient after each update, and never in evaluation mode', () => {
  const packs = (work: Work) => pieces(work).filter((piece) => piece.kernel === 'conv2d_pack').length;
  // Three layers each of 3×3 and 1×1 with stride 2. The stem uses Winograd.
  expect(packs('finetune-step')).toBe(2 * 6);
  expect(packs('extract-step')).toBe(0);
  expect(packs('eval-forward')).toBe(0);
});

test('every kernel of the three kinds of work has a cost, on a CPU and on a GPU', () => {
  for (const traits of [CPU, GPU]) {
    for (const work of WORKS) {
      for (const { kernel, shape, flops, bytes } of pieces(work, traits)) {
        expect([kernel, shape, flops ?? bytes]).toEqual([kernel, expect.stringMatching(/\d/), expect.any(Number)]);
      }
    }
  }
});

test('an unknown kernel keeps its label and has no rate', () => {
  const program = { key: '', name: 'newcomer', code: () => '', access: [], hasUniforms: false };
  const cost = costOf({ program, buffers: [], workgroups: [1, 1, 1], label: '4x4' });
  expect(cost).toEqual({ kind: 'other', shape: '4x4' });
});

/** mse: the mean of (input − target)². Its gradient is 2 · (input − target) / size, and for the target minus that. */
import { mseBackward, mse as mseKernel } from '../../kernels/loss/mse.ts';
import { reduceLosses } from '../../kernels/loss/sum.ts';
import { expectDType, expectShape, expectUsable } from '../errors.ts';
import { record } from '../graph.ts';
import { checkNames } from '../options.ts';
import { type Reduction, reductionOf } from '../reduction.ts';
import { Tensor } from '../tensor.ts';

/** Options of `mse`. */
export interface MseOptions {
  /** Of the squared differences; the mean by default. */
  readonly reduction?: Reduction;
}

const OPTIONS = { reduction: true } as const satisfies Record<keyof MseOptions, true>;

/**
 * Squared differences of two f32 tensors of the same shape: their mean or sum, of shape [], or with `none` each of them.
 * The mean of an empty tensor is NaN. Saves both.
 * @throws ShapeError for different shapes: none is broadcast
 */
export function mse(input: Tensor, target: Tensor, options: MseOptions = {}): Tensor {
  checkNames('mse', options, OPTIONS);
  const reduction = reductionOf('mse', options.reduction);
  expectUsable('mse', { input, target });
  expectShape('mse', 'target', target, input.shape);
  for (const [name, tensor] of Object.entries({ input, target })) expectDType('mse', name, tensor, 'f32');

  const { gpu, size } = input;
  const each = reduction === 'none';
  const divisor = reduction === 'mean' ? size : 1;
  const output = Tensor.empty(gpu, each ? input.shape : []);
  const pair = { input: input.buffer, wanted: target.buffer };
  reduceLosses(gpu, size, each ? undefined : divisor, output.buffer, (run, losses) =>
    mseKernel(gpu, size, run, { ...pair, output: losses }),
  );
  return record({
    name: 'mse',
    inputs: { input, target },
    output,
    saved: [input, target],
    backward: (outputGrad, needs) =>
      [2, -2].map((slope, i) => {
        if (!needs[i]) return undefined;
        const grad = Tensor.empty(gpu, input.shape);
        const scale = { outputGrad: outputGrad.buffer, each };
        mseBackward(gpu, size, slope / divisor, scale, { ...pair, output: grad.buffer });
        return grad;
      }),
  });
}

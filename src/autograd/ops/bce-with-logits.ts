/**
 * bceWithLogits: the binary cross entropy of sigmoid(logits) and targets from 0 to 1. Computed from the logits, it does
 * not overflow.
 */
import {
  bceWithLogitsBackward,
  bceWithLogits as bceWithLogitsKernel,
  MOST_DIMENSIONS,
} from '../../kernels/loss/bce-with-logits.ts';
import { reduceLosses } from '../../kernels/loss/sum.ts';
import { broadcastShape } from '../../kernels/strides.ts';
import { expectDType, expectShape, expectUsable, formatShape, ShapeError } from '../errors.ts';
import { expectConstant, record } from '../graph.ts';
import { checkNames } from '../options.ts';
import { type Reduction, reductionOf } from '../reduction.ts';
import { Tensor } from '../tensor.ts';

/** Options of `bceWithLogits`. */
export interface BceWithLogitsOptions {
  /** Factor of each loss, broadcast to the logits. The mean does not divide by it. */
  readonly weight?: Tensor | undefined;
  /** Factor of the positive part, such as [C] for C classes; broadcast to the logits. Above 1 it favours recall. */
  readonly posWeight?: Tensor | undefined;
  /** Of the losses; the mean by default. */
  readonly reduction?: Reduction;
}

const OPTIONS = { weight: true, posWeight: true, reduction: true } as const satisfies Record<
  keyof BceWithLogitsOptions,
  true
>;

/**
 * Logits and targets of the same shape, up to eight dimensions, f32: weight · (−posWeight · t · log σ(x) − (1 − t) ·
 * log(1 − σ(x))), as mean or sum of shape [], or with `none` each. The mean of an empty tensor is NaN. Both get a
 * gradient. Saves both, and the weights.
 * @throws ShapeError if shapes differ, or a weight does not broadcast to the logits
 * @throws GraphError if a weight requires a gradient, which it does not have
 */
export function bceWithLogits(logits: Tensor, target: Tensor, options: BceWithLogitsOptions = {}): Tensor {
  checkNames('bceWithLogits', options, OPTIONS);
  const { weight, posWeight } = options;
  const reduction = reductionOf('bceWithLogits', options.reduction);
  const { gpu, size, shape } = checked(logits, target, { weight, posWeight });

  const each = reduction === 'none';
  const divisor = reduction === 'mean' ? size : 1;
  const output = Tensor.empty(gpu, each ? shape : []);
  const pair = { logits: logits.buffer, wanted: target.buffer };
  const factor = (tensor: Tensor | undefined) => tensor && { buffer: tensor.buffer, shape: tensor.shape };
  const sizes = { shape, weight: factor(weight), posWeight: factor(posWeight) };
  reduceLosses(gpu, size, each ? undefined : divisor, output.buffer, (run, losses) =>
    bceWithLogitsKernel(gpu, size, sizes, run, { ...pair, output: losses }),
  );
  return record({
    name: 'bceWithLogits',
    inputs: { logits, target },
    output,
    saved: [logits, target, weight, posWeight].filter((tensor) => tensor !== undefined),
    backward: (outputGrad, needs) =>
      [false, true].map((ofTarget, i) => {
        if (!needs[i]) return undefined;
        const grad = Tensor.empty(gpu, shape);
        const scale = { outputGrad: outputGrad.buffer, each };
        bceWithLogitsBackward(gpu, size, sizes, { divisor, ofTarget }, scale, { ...pair, output: grad.buffer });
        return grad;
      }),
  });
}

/** Checks the tensors. Returns the logits. */
function checked(logits: Tensor, target: Tensor, weights: Readonly<Record<string, Tensor | undefined>>): Tensor {
  expectUsable('bceWithLogits', { logits, target, ...weights });
  const { shape } = logits;
  if (shape.length > MOST_DIMENSIONS) {
    throw new ShapeError(
      `bceWithLogits: logits must have at most ${MOST_DIMENSIONS} dimensions, got ${formatShape(shape)}. Reshape them.`,
    );
  }
  expectShape('bceWithLogits', 'target', target, shape);
  for (const [name, tensor] of Object.entries({ logits, target, ...weights })) {
    if (tensor) expectDType('bceWithLogits', name, tensor, 'f32');
  }
  for (const [name, tensor] of Object.entries(weights)) {
    if (!tensor) continue;
    if (broadcastShape([tensor.shape, shape])?.join() !== shape.join()) {
      throw new ShapeError(
        `bceWithLogits: ${name} ${formatShape(tensor.shape)} must broadcast to the logits ${formatShape(shape)}.`,
      );
    }
    expectConstant('bceWithLogits', name, tensor);
  }
  return logits;
}

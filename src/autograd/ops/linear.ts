/** linear: every output is a weighted sum of all inputs of its row, plus a bias. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { chooserOf } from '../../kernels/chooser.ts';
import { linearBiasGrad } from '../../kernels/linear/bias-grad.ts';
import { type LinearPass, linearVariants, linearWork } from '../../kernels/linear/choose.ts';
import type { LinearKernels, LinearSize } from '../../kernels/linear/shape.ts';
import { expectShape, formatShape, ShapeError } from '../errors.ts';
import { record } from '../graph.ts';
import { storesHalf } from '../storage-type.ts';
import { type Shape, sizeOf, Tensor } from '../tensor.ts';

/**
 * Input [..., I], weight [O, I], bias [O] → [..., O], such as [N, I] → [N, O]. Without inputs (I = 0) the output is the
 * bias. In inference input and weight may both be f16. Bias and output are f32, as the output usually holds a network's
 * scores. Saves the input if the weight requires a gradient, and the weight if the input does.
 */
export function linear(input: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const inFeatures = input.shape.at(-1);
  if (inFeatures === undefined) throw new ShapeError('linear: input must have shape [..., I], got [].');
  const lead = input.shape.slice(0, -1);
  const rows = sizeOf(lead);
  expectShape('linear', 'weight', weight, ['O', 'I']);
  const [outFeatures, taken] = weight.shape as readonly [number, number];
  // Either may be wrong, so the message names both.
  if (taken !== inFeatures) {
    throw new ShapeError(
      `linear: weight ${formatShape(weight.shape)} takes ${taken} features, but input ${formatShape(input.shape)} ` +
        `has ${inFeatures}.`,
    );
  }
  if (bias) expectShape('linear', 'bias', bias, [outFeatures]);

  const half = storesHalf('linear', { input, weight }, { bias });
  const { gpu } = input;
  const size = { rows, inFeatures, outFeatures, ...(half && { half }) };
  const compute = (pass: LinearPass, shape: Shape, run: (kernels: LinearKernels, target: PooledBuffer) => void) => {
    const result = Tensor.empty(gpu, shape);
    if (result.size > 0) run(kernels(gpu, pass, size), result.buffer);
    return result;
  };
  const output = compute('forward', [...lead, outFeatures], ({ forward }, target) => {
    forward(gpu, size, input.buffer, weight.buffer, bias?.buffer, target);
  });
  return record({
    name: 'linear',
    inputs: { input, weight, bias },
    output,
    options: {},
    saved: [...(weight.requiresGrad ? [input] : []), ...(input.requiresGrad ? [weight] : [])],
    backward: (outputGrad, [needsInput, needsWeight, needsBias]) => {
      const grads: (Tensor | undefined)[] = [undefined, undefined, undefined];
      if (needsInput) {
        grads[0] = compute('inputGrad', input.shape, ({ inputGrad }, target) => {
          inputGrad(gpu, size, outputGrad.buffer, weight.buffer, target);
        });
      }
      if (needsWeight) {
        grads[1] = compute('weightGrad', weight.shape, ({ weightGrad }, target) => {
          weightGrad(gpu, size, input.buffer, outputGrad.buffer, target);
        });
      }
      if (needsBias) {
        grads[2] = Tensor.empty(gpu, [outFeatures]);
        linearBiasGrad(gpu, size, outputGrad.buffer, grads[2].buffer);
      }
      return grads;
    },
  });
}

/** The kernels of a pass. */
function kernels(gpu: Gpu, pass: LinearPass, size: LinearSize): LinearKernels {
  return linearVariants[chooserOf(gpu).choose(linearWork(pass, size), gpu.traits)];
}

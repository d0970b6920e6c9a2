/** linear: every output is a weighted sum of all inputs of its row, plus a bias. */
import type { Gpu } from '../../gpu/gpu.ts';
import { chooserOf } from '../../kernels/chooser.ts';
import { linearBiasGrad } from '../../kernels/linear/bias-grad.ts';
import { type LinearPass, linearVariants, linearWork } from '../../kernels/linear/choose.ts';
import type { LinearKernels, LinearSize } from '../../kernels/linear/shape.ts';
import { expectShape, formatShape, ShapeError } from '../errors.ts';
import { record } from '../graph.ts';
import { storesHalf } from '../storage-type.ts';
import { sizeOf, Tensor } from '../tensor.ts';

/**
 * Input [..., I], weight [O, I], bias [O] → [..., O], such as [N, I] → [N, O]. In inference input and weight may both be f16. Bias and output are
 * f32, as the output usually holds a network's scores. Saves the input if the weight requires a gradient, and the
 * weight if the input does.
 */
export function linear(input: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const inFeatures = input.shape.at(-1);
  if (inFeatures === undefined) throw new ShapeError('linear: input must have shape [..., I], got [].');
  const shape = input.shape.slice(0, -1);
  const rows = sizeOf(shape);
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
  const output = Tensor.empty(gpu, [...shape, outFeatures]);
  kernels(gpu, 'forward', size).forward(gpu, size, input.buffer, weight.buffer, bias?.buffer, output.buffer);
  return record({
    name: 'linear',
    inputs: { input, weight, bias },
    output,
    saved: [...(weight.requiresGrad ? [input] : []), ...(input.requiresGrad ? [weight] : [])],
    backward: (outputGrad, [needsInput, needsWeight, needsBias]) => {
      const grads: (Tensor | undefined)[] = [undefined, undefined, undefined];
      if (needsInput) {
        grads[0] = Tensor.empty(gpu, input.shape);
        kernels(gpu, 'inputGrad', size).inputGrad(gpu, size, outputGrad.buffer, weight.buffer, grads[0].buffer);
      }
      if (needsWeight) {
        grads[1] = Tensor.empty(gpu, weight.shape);
        kernels(gpu, 'weightGrad', size).weightGrad(gpu, size, input.buffer, outputGrad.buffer, grads[1].buffer);
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

/** Normalisations. */
import type { Tensor } from '../../autograd/index.ts';
import * as ops from '../../autograd/index.ts';
import { axisOf, type Op } from '../call.ts';

/** torch's momentum, the share of the new batch, of ONNX's, that of the old ones: 0.1 of 0.9 in single precision. */
const shareOf = (old: number) => Number((1 - old).toPrecision(6));

type Four = [Tensor, Tensor, Tensor, Tensor];

export const NORMALISATIONS: Readonly<Record<string, Op>> = {
  BatchNormalization: (call) => {
    const x = call.float(0);
    const [weight, bias, mean, variance] = [1, 2, 3, 4].map((index) => call.float(index)) as Four;
    const training = call.run.training ?? call.number('training_mode', 0) !== 0;
    const options = { training, eps: call.number('epsilon', 1e-5), momentum: shareOf(call.number('momentum', 0.9)) };
    const images = ops.reshape(x, [...x.shape.slice(0, 2), 1, x.size / x.shape[0]! / x.shape[1]!]);
    const result = ops.batchNorm2d(x.shape.length === 4 ? x : images, weight, bias, mean, variance, options);
    // Training updates the running statistics in place.
    return [ops.reshape(result, x.shape), mean, variance];
  },
  InstanceNormalization: (call) => {
    const x = call.float(0);
    return ops.groupNorm(x, x.shape[1]!, call.float(1), call.float(2), { eps: call.number('epsilon', 1e-5) });
  },
  LayerNormalization: (call) => {
    const x = call.float(0);
    const axis = axisOf(call.number('axis', -1), x.shape.length);
    const eps = call.number('epsilon', 1e-5);
    const normalised = ops.layerNorm(x, x.shape.slice(axis), call.float(1), call.optional(2), { eps });
    if (call.outputs === 1) return normalised;
    const axes = x.shape.slice(axis).map((_, i) => axis + i);
    const mean = ops.mean(x, axes, { keepdim: true });
    const offset = ops.sub(x, mean);
    const variance = ops.mean(ops.mul(offset, offset), axes, { keepdim: true });
    return [normalised, mean, ops.div(1, ops.sqrt(ops.add(variance, eps)))];
  },
  MeanVarianceNormalization: (call) => {
    const x = call.float(0);
    const axes = call.integers('axes') ?? [0, 2, 3];
    const offset = ops.sub(x, ops.mean(x, axes, { keepdim: true }));
    const deviation = ops.sqrt(ops.mean(ops.mul(offset, offset), axes, { keepdim: true }));
    return ops.div(offset, ops.add(deviation, 1e-9));
  },
};

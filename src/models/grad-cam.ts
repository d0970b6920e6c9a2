/**
 * Grad-CAM: where in a picture a network saw a class (R. R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep
 * Networks via Gradient-based Localization", 2017, equations 1 and 2).
 */
import { backward } from '../autograd/backward.ts';
import { expectImages, OptionError, ShapeError } from '../autograd/errors.ts';
import { noGrad } from '../autograd/graph.ts';
import { mul, relu } from '../autograd/ops/elementwise.ts';
import { matmul } from '../autograd/ops/matmul.ts';
import { mean, sum } from '../autograd/ops/sum.ts';
import { scope } from '../autograd/scope.ts';
import { Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Classifier } from './classifier.ts';

/**
 * Heat maps of what spoke for a class: the channels of the last output that knows places (layer4 of a ResNet), each weighted by the mean gradient of the
 * class's score over its plane, added, cut off below zero, and resized to the pictures bilinearly (torch's
 * `interpolate` with `align_corners=False`).
 *
 * The map of a picture has the unit of its score, so only shares of its maximum can be compared. A map of zeros says that
 * nothing spoke for the class. Parameters, their gradients and the batch norms' statistics stay as they are.
 * @param model in evaluation mode, f32
 * @param images [N, 3, H, W], normalised, as the network takes them
 * @param classIndex index of the class, from 0, for all pictures, or one for each
 * @returns [N, H, W], at least 0
 * @throws OptionError if the network is in training mode or an index is not one of its classes; ShapeError, DTypeError
 */
export function gradCam(model: Classifier, images: Tensor, classIndex: number | readonly number[]): Tensor {
  if (model.training) {
    throw new OptionError('gradCam: expected a network in evaluation mode, found training mode. Call model.eval().');
  }
  const [count, , height, width] = expectImages('gradCam', 'images', images);
  return scope(() => {
    const maps = noGrad(() => model.maps(images)).detach();
    const grad = scoreGradient(model, maps, (classes) => indicesOf(classIndex, count, classes));
    return noGrad(() => {
      const weights = mean(grad, [2, 3], { keepdim: true });
      grad.dispose();
      const heat = relu(sum(mul(maps, weights), 1));
      return resize(heat, height, width);
    });
  });
}

/** The gradient of each picture's score of its class with respect to `maps`, by autograd through the layers above. */
function scoreGradient(model: Classifier, maps: Tensor, indicesFor: (classes: number) => readonly number[]): Tensor {
  const { gpu } = maps;
  // Only the maps need a gradient. What parameters have collected must not change.
  const open = model.parameters().filter((parameter) => parameter.requiresGrad);
  for (const parameter of open) parameter.requiresGrad = false;
  try {
    maps.requiresGrad = true;
    const scores = model.scoresOfMaps(maps);
    const [count, classes] = scores.shape as [number, number];
    const chosen = new Float32Array(count * classes);
    for (const [i, index] of indicesFor(classes).entries()) chosen[i * classes + index] = 1;
    backward(scores, Tensor.from(gpu, chosen, scores.shape));
    const { grad } = maps;
    maps.requiresGrad = false;
    return grad!;
  } finally {
    for (const parameter of open) parameter.requiresGrad = true;
  }
}

function indicesOf(classIndex: number | readonly number[], count: number, classes: number): readonly number[] {
  const indices = typeof classIndex === 'number' ? new Array<number>(count).fill(classIndex) : classIndex;
  if (indices.length !== count) {
    throw new ShapeError(`gradCam: expected one class for each of ${count} pictures, found ${indices.length}.`);
  }
  const wrong = indices.find((index) => !(Number.isInteger(index) && index >= 0 && index < classes));
  if (wrong === undefined) return indices;
  throw new OptionError(`gradCam: expected the index of a class, 0 to ${classes - 1}, found ${wrong}.`);
}

/** [N, h, w] to [N, height, width]. Bilinear resizing is linear along each side, so it is two products of matrices. */
function resize(heat: Tensor, height: number, width: number): Tensor {
  const [, rows, columns] = heat.shape as [number, number, number];
  const down = bilinear(heat.gpu, rows, height);
  const across = bilinear(heat.gpu, columns, width);
  return matmul(matmul(down, heat), across, { transposeB: true });
}

/** The weights of each of `from` values in each of `to` values: [to, from]. */
function bilinear(gpu: Gpu, from: number, to: number): Tensor {
  const weights = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    // Pixels are areas: their centres lie half a pixel from their edges.
    const place = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const before = Math.floor(place);
    const after = Math.min(before + 1, from - 1);
    weights[i * from + before]! += 1 - (place - before);
    weights[i * from + after]! += place - before;
  }
  return Tensor.from(gpu, weights, [to, from]);
}

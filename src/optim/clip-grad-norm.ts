/** Gradients whose norm has a bound, as torch.nn.utils.clip_grad_norm_. */
import { expectUsable, OptionError } from '../autograd/errors.ts';
import { numberFrom0 } from '../autograd/options.ts';
import { Tensor } from '../autograd/tensor.ts';
import { clipGrads } from '../kernels/optim/clip-grad-norm.ts';

/**
 * Scales the gradients of the parameters so that their norm is at most `maxNorm`: the root of the sum of all their
 * squares, as if they were one vector. Call it between `backward` and the optimizer's `step`. Each gradient is
 * multiplied by maxNorm / (norm + 1e-6) if that is below 1. Everything happens on the device; nothing is read back. The
 * sums have a fixed order, so equal gradients give equal bits.
 *
 * Parameters without a gradient are left out; without any gradient the norm is 0, as in torch. An infinite norm (from
 * gradients of about 1e19 on, as their squares are float32) makes finite gradients 0, and a norm of NaN makes all NaN.
 *
 * @param parameters tensors of one device, each once
 * @param maxNorm a finite number of at least 0
 * @returns the norm before scaling, a tensor of shape []; dispose it, or let a scope do so. Read it by `item()`.
 * @throws OptionError if there is no parameter, one is given twice, or `maxNorm` is invalid
 * @throws DisposedTensorError or DeviceMismatchError for a parameter or gradient; nothing was changed
 */
export function clipGradNorm(parameters: Iterable<Tensor>, maxNorm: number): Tensor {
  numberFrom0('clipGradNorm', 'maxNorm', maxNorm);
  const all = [...parameters];
  const [first] = all;
  if (!first) throw new OptionError('clipGradNorm: parameters must hold a tensor or more, got none.');
  if (new Set(all).size < all.length) {
    throw new OptionError(
      'clipGradNorm: a parameter was given twice, so its gradient would count twice. Give it once.',
    );
  }
  const named = all.flatMap((parameter, i) => [
    [`parameter ${i}`, parameter] as const,
    [`the gradient of parameter ${i}`, parameter.grad] as const,
  ]);
  expectUsable('clipGradNorm', Object.fromEntries(named));
  const grads = all.flatMap(({ grad }) => (grad ? [{ size: grad.size, buffer: grad.buffer }] : []));
  if (grads.length === 0) return Tensor.zeros(first.gpu, []);
  const norm = Tensor.empty(first.gpu, []);
  norm.holdings.label = 'clipGradNorm';
  clipGrads(first.gpu, grads, maxNorm, norm.buffer);
  return norm;
}

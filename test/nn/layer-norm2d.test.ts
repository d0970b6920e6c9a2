/** LayerNorm2d: each pixel's channels are normalised as a row of layerNorm; gradients are those of finite differences. */
import { expect } from 'vitest';
import { checkGradients } from '../../src/autograd/gradcheck.ts';
import { layerNorm, permute, Tensor } from '../../src/autograd/index.ts';
import { LayerNorm2d } from '../../src/nn/index.ts';
import { withGpu } from '../support/gpu.ts';
import { scaleGradient } from '../support/tamper.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

function ramp(...shape: number[]): Tensor {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const values = Float32Array.from({ length: size }, (_, i) => Math.sin(3 * i * i));
  return Tensor.from(gpu, values, shape);
}

function build(): LayerNorm2d {
  const module = new LayerNorm2d(gpu, 3, { eps: 0.1 });
  module.weight!.set([1, 2, 3]);
  module.bias!.set([3, 2, 1]);
  return module;
}

gpuTest('has the names of LayerNorm', () => {
  const entries = Array.from(new LayerNorm2d(gpu, 3).namedParameters(), ([name, { shape }]) => [name, shape]);
  expect(entries).toEqual([
    ['weight', [3]],
    ['bias', [3]],
  ]);
});

gpuTest('is layerNorm on the channels of each pixel, of one pixel too', async () => {
  const module = build();
  for (const input of [ramp(2, 3, 2, 4), ramp(2, 3, 1, 1)]) {
    const rows = layerNorm(permute(input, [0, 2, 3, 1]), 3, module.weight, module.bias, { eps: 0.1 });
    const output = module.call(input);
    expect(output.shape).toEqual(input.shape);
    expect(await output.data()).toEqual(await permute(rows, [0, 3, 1, 2]).data());
  }
});

gpuTest('its gradients are those of finite differences, and a gradient 2 % too large is seen', async () => {
  const module = build();
  const parameters = [module.weight!, module.bias!];
  for (const input of [ramp(2, 3, 2, 4), ramp(4, 3, 1, 1)]) {
    input.requiresGrad = true;
    await checkGradients((x) => module.call(x), [input, ...parameters]);
    await expect(checkGradients((x) => module.call(scaleGradient(x, 1.02)), [input])).rejects.toThrow();
  }
});

gpuTest('refuses other channels', () => {
  expect(() => build().call(ramp(2, 4, 2, 2))).toThrow(
    'LayerNorm2d: input must have shape [N, 3, H, W], got [2, 4, 2, 2].',
  );
  expect(() => new LayerNorm2d(gpu, [3] as never)).toThrow('LayerNorm2d: channels must be a number, got [3].');
});

/** ReLU's backward, for ops that apply ReLU themselves. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { defineExpression } from './expression.ts';

const run = defineExpression({
  name: 'relu_backward',
  operands: [
    { name: 'y', type: 'f32' },
    { name: 'grad', type: 'f32' },
  ],
  parameters: [],
  wgsl: 'select(grad, 0.0, y <= 0.0)',
  result: 'f32',
});

/** inputGrad = outputGrad where output > 0, else 0; `count` elements. As in torch, the gradient at 0 is 0. */
export function reluBackward(
  gpu: Gpu,
  count: number,
  output: PooledBuffer,
  outputGrad: PooledBuffer,
  inputGrad: PooledBuffer,
): void {
  const flat = (buffer: PooledBuffer) => ({ buffer, shape: [count] });
  run(gpu, [count], [flat(output), flat(outputGrad)], [], inputGrad);
}

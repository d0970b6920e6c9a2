/**
 * Two spirals, and a network that learns to tell them apart: tensors, their methods and nothing else.
 *
 *     npx tsx examples/spirals.ts
 */
import { Adam, backward, countCorrect, crossEntropy, Generator, noGrad, openGpu, scope, Tensor } from 'dawngrad';

const STEPS = 400;
const gpu = await openGpu();
const random = new Generator(0);

/** Points of each spiral, which turns one and a half times around the middle. */
const COUNT = 97;
const coordinates: number[] = [];
for (let spiral = 0; spiral < 2; spiral++) {
  for (let i = 0; i < COUNT; i++) {
    const [angle, radius] = [(i / COUNT) * 3 * Math.PI + spiral * Math.PI, (i + 4) / COUNT];
    coordinates.push(radius * Math.sin(angle), radius * Math.cos(angle));
  }
}
const points = Tensor.from(gpu, coordinates, [2 * COUNT, 2]);
const labels = Tensor.from(
  gpu,
  Uint32Array.from({ length: 2 * COUNT }, (_, i) => (i < COUNT ? 0 : 1)),
);

/** A tensor to train, of values from U(-bound, bound). */
function parameter(shape: number[], bound: number): Tensor {
  const values = new Float32Array(shape.reduce((product, extent) => product * extent));
  const tensor = Tensor.from(gpu, random.fillUniform(values, -bound, bound), shape);
  tensor.requiresGrad = true;
  return tensor;
}

const WIDTH = 48;
const [weight1, bias1] = [parameter([2, WIDTH], 1), parameter([WIDTH], 1)];
const [weight2, bias2] = [parameter([WIDTH, WIDTH], WIDTH ** -0.5), parameter([WIDTH], WIDTH ** -0.5)];
const [weight3, bias3] = [parameter([WIDTH, 2], WIDTH ** -0.5), parameter([2], WIDTH ** -0.5)];

/** [N, 2] coordinates → [N, 2] scores of the two spirals. */
function scores(x: Tensor): Tensor {
  const first = x.mul(4).matmul(weight1).add(bias1).tanh();
  const second = first.matmul(weight2).add(bias2).tanh();
  return second.matmul(weight3).add(bias3);
}

const optimizer = new Adam([weight1, bias1, weight2, bias2, weight3, bias3], { lr: 0.01 });
for (let step = 0; step < STEPS; step++) {
  // The scope frees what was computed on the way to the loss.
  const loss = scope(() => {
    const result = crossEntropy(scores(points), labels);
    backward(result);
    return result;
  });
  optimizer.step();
  optimizer.zeroGrad();
  if (step < 10 || step % 50 === 0) console.log(`step ${step}: loss ${await loss.item()}`);
  loss.dispose();
}

const right = scope(() => noGrad(() => countCorrect(scores(points), labels)));
console.log(`${await right.item()} of ${2 * COUNT} points are on the right spiral`);
gpu.close();

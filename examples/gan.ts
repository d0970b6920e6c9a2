/**
 * A generative adversarial network (Goodfellow et al. 2014) that learns to draw points on a ring. Two networks and two
 * graphs at once: the discriminator learns to tell real points from generated ones, the generator to deceive it.
 *
 *     npx tsx examples/gan.ts
 */
import {
  Adam,
  backward,
  bceWithLogits,
  Generator,
  Linear,
  leakyRelu,
  Module,
  noGrad,
  openGpu,
  pipe,
  scope,
  Tensor,
} from 'dawngrad';

const STEPS = 400;
const gpu = await openGpu();
const random = new Generator(0);

/** Two hidden layers: [N, inputs] → [N, outputs]. */
class Network extends Module {
  readonly first: Linear;
  readonly second: Linear;
  readonly last: Linear;

  constructor(inputs: number, outputs: number) {
    super();
    this.first = this.registerModule('first', new Linear(gpu, inputs, 32, { random }));
    this.second = this.registerModule('second', new Linear(gpu, 32, 32, { random }));
    this.last = this.registerModule('last', new Linear(gpu, 32, outputs, { random }));
  }

  override forward(x: Tensor): Tensor {
    const bent = (y: Tensor) => leakyRelu(y, 0.2);
    return pipe(x, this.first, bent, this.second, bent, this.last);
  }
}

const [BATCH, NOISE] = [64, 8];
const generator = new Network(NOISE, 2);
const discriminator = new Network(2, 1);
const settings = { lr: 2e-3, betas: [0.5, 0.999] } as const;
const generatorOptimizer = new Adam(generator.parameters(), settings);
const discriminatorOptimizer = new Adam(discriminator.parameters(), settings);

/** Points on a ring of radius 1. */
function realPoints(): Tensor {
  const angles = random.fillUniform(new Float32Array(BATCH), 0, 2 * Math.PI);
  return Tensor.from(gpu, Array.from(angles, (angle) => [Math.cos(angle), Math.sin(angle)]).flat(), [BATCH, 2]);
}

const noise = () => Tensor.from(gpu, random.fillNormal(new Float32Array(BATCH * NOISE)), [BATCH, NOISE]);
const isReal = Tensor.from(gpu, new Float32Array(BATCH).fill(1), [BATCH, 1]);
const isFake = Tensor.zeros(gpu, [BATCH, 1]);

for (let step = 0; step < STEPS; step++) {
  const [real, fake] = scope(() => {
    const points = realPoints();
    const drawn = generator.call(noise());

    // The generator's graph waits while the discriminator learns. detach() keeps this loss out of it.
    const onReal = bceWithLogits(discriminator.call(points), isReal);
    const onFake = bceWithLogits(discriminator.call(drawn.detach()), isFake);
    const loss = onReal.add(onFake);
    backward(loss);
    discriminatorOptimizer.step();

    // Through the discriminator, as it is now, back into the generator.
    const deceived = bceWithLogits(discriminator.call(drawn), isReal);
    backward(deceived);
    generatorOptimizer.step();
    generatorOptimizer.zeroGrad();
    discriminatorOptimizer.zeroGrad();
    return [loss, deceived] as const;
  });
  if (step < 10 || step % 50 === 0) {
    console.log(`step ${step}: discriminator ${await real.item()}, generator ${await fake.item()}`);
  }
  real.dispose();
  fake.dispose();
}

const points = await scope(() => noGrad(() => generator.call(noise()))).data();
const radii = Array.from({ length: BATCH }, (_, i) => Math.hypot(points[2 * i]!, points[2 * i + 1]!));
const mean = radii.reduce((sum, radius) => sum + radius, 0) / BATCH;
const spread = Math.sqrt(radii.reduce((sum, radius) => sum + (radius - mean) ** 2, 0) / BATCH);
console.log(`generated points are ${mean.toFixed(2)} ± ${spread.toFixed(2)} from the middle; the ring is at 1`);
gpu.close();

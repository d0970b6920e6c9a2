/** ResNet-18 as a whole against torchvision's, from a seed to gradients; replacing its last layer; its memory. */
import { describe, expect } from 'vitest';
import { backward } from '../../src/autograd/backward.ts';
import { graphSize, noGrad } from '../../src/autograd/graph.ts';
import { crossEntropy } from '../../src/autograd/ops/cross-entropy.ts';
import { scope } from '../../src/autograd/scope.ts';
import { Tensor } from '../../src/autograd/tensor.ts';
import { resnet18, resnet34 } from '../../src/models/index.ts';
import { Linear } from '../../src/nn/index.ts';
import { SGD } from '../../src/optim/index.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { type Dense, golden } from '../nn/support.ts';
import { expectClose } from '../support/compare.ts';
import { withGpu } from '../support/gpu.ts';

interface Golden {
  logits: Dense;
  loss: number;
  grads: Record<string, number[]>;
  grad_norms: Record<string, number>;
  running: Record<string, number[]>;
  eval_logits: Dense;
}

const { gpuTest, gpu } = await withGpu();

const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));

describe('from seed 0, a new last layer, two images', () => {
  const expected = golden<Golden>('resnet18-seed0');
  // The weights agree only to 2e-6 of their standard deviation (see init.test.ts). That grows through 20 batch norms
  // over few values (eight per channel in layer4). Logits are around 0.3.
  const outputs = { atol: 1e-5, rtol: 5e-5 };

  gpuTest('logits, loss, gradients, running statistics', async () => {
    const random = new Generator(0);
    const model = resnet18(gpu, { random });
    model.fc = new Linear(gpu, model.featureSize, 2, { random });
    const pixels = new Float32Array(2 * 3 * 64 * 64);
    random.fillNormal(pixels, 0, 1);
    const images = Tensor.from(gpu, pixels, [2, 3, 64, 64]);
    const labels = Tensor.from(gpu, Uint32Array.of(1, 0), [2]);

    const logits = model.call(images);
    const loss = crossEntropy(logits, labels);
    backward(loss);
    expectClose('logits', await logits.data(), expected.logits.data, outputs);
    expectClose('loss', [await loss.item()], [expected.loss], outputs);
    for (const [name, parameter] of model.namedParameters()) {
      const grad = await parameter.grad!.data();
      const size = expected.grad_norms[name]!;
      expectClose(`${name}: length of the gradient`, [norm(grad)], [size], { atol: 1e-7, rtol: 5e-5 });
      // The tolerance is a share of the gradient's typical value, because small values are differences of large ones.
      const tolerance = { atol: (3e-4 * size) / Math.sqrt(grad.length), rtol: 3e-4 };
      expectClose(`${name} grad`, [...grad.slice(0, 3), ...grad.slice(-3)], expected.grads[name]!, tolerance);
    }
    const state = await model.exportState();
    for (const [name, values] of Object.entries(expected.running)) {
      expectClose(name, state.get(name)!.data.slice(0, 3), values, { atol: 1e-6, rtol: 5e-5 });
    }
    const evaluated = noGrad(() => model.eval().call(images));
    expectClose('logits in evaluation', await evaluated.data(), expected.eval_logits.data, outputs);
    for (const tensor of [images, labels, logits, loss, evaluated, model]) tensor.dispose();
  });
});

describe('the last layer', () => {
  const loaded = { init: 'skip' } as const;

  gpuTest('is replaced in its place, and the old one is freed', () => {
    const model = resnet18(gpu, loaded);
    const before = gpu.pool.liveBytes;
    const old = model.fc;
    model.fc = old;
    expect(old.parameters()[0]!.disposed).toBe(false);
    const fc = new Linear(gpu, model.featureSize, 2, loaded);
    model.fc = fc;
    expect(model.fc).toBe(fc);
    expect(old.parameters().every((parameter) => parameter.disposed)).toBe(true);
    expect([...model.children.keys()].at(-1)).toBe('fc');
    // The pool counts in units of 16 bytes, and two biases take one unit.
    expect(before - gpu.pool.liveBytes).toBe(1000 * 512 * 4 + 4000 - 2 * 512 * 4 - 16);
    model.dispose();
  });

  gpuTest('alone is trained if the rest is frozen, by an optimizer over all parameters', () => {
    const random = new Generator(0);
    const model = resnet18(gpu, { classes: 3, random }).freeze();
    model.fc.freeze(false);
    const fc = model.fc as Linear;
    const versions = () => model.parameters().map(({ storage }) => storage.version);
    const start = versions();
    scope(() => {
      const images = Tensor.from(gpu, new Float32Array(2 * 3 * 32 * 32).fill(0.5), [2, 3, 32, 32]);
      const logits = model.call(images);
      // The graph holds only the linear layer and the loss, because frozen layers keep no activations.
      expect(graphSize(gpu)).toBe(1);
      backward(crossEntropy(logits, Tensor.from(gpu, Uint32Array.of(0, 2), [2])));
    });
    expect(model.parameters().filter(({ grad }) => grad)).toEqual([fc.weight, fc.bias]);
    const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
    optimizer.step();
    expect(versions()).toEqual(start.map((version, i) => (i < start.length - 2 ? version : version + 1)));
    optimizer.dispose();
    model.dispose();
  });
});

describe('memory', () => {
  gpuTest('a forward pass without gradients leaves only its result, and training leaves only gradients', () => {
    const before = gpu.pool.liveBytes;
    const model = resnet18(gpu, { classes: 2, init: 'skip' });
    const images = Tensor.zeros(gpu, [2, 3, 33, 47]);
    const forward = () => noGrad(() => scope(() => model.call(images)));
    // The first forward pass is not counted, because it may also keep weights in a packed layout.
    forward().dispose();
    const held = gpu.pool.liveBytes;
    const logits = forward();
    expect(gpu.pool.liveBytes - held).toBe(2 * 2 * 4);
    logits.dispose();

    const train = () =>
      scope(() => backward(crossEntropy(model.call(images), Tensor.from(gpu, Uint32Array.of(0, 1), [2]))));
    train();
    for (const parameter of model.parameters()) parameter.zeroGrad();
    const trained = gpu.pool.liveBytes;
    train();
    const grads = model.parameters().reduce((sum, { grad }) => sum + Math.ceil(grad!.size / 4) * 16, 0);
    expect(gpu.pool.liveBytes - trained).toBe(grads);
    for (const parameter of model.parameters()) parameter.zeroGrad();
    expect(gpu.pool.liveBytes).toBe(trained);

    images.dispose();
    model.dispose();
    expect(gpu.pool.liveBytes).toBe(before);
  });

  gpuTest('resnet34 runs', async () => {
    const model = resnet34(gpu, { classes: 5, init: 'skip' }).eval();
    const images = Tensor.zeros(gpu, [1, 3, 40, 40]);
    const features = noGrad(() => scope(() => model.features(images)));
    const logits = noGrad(() => model.call(images));
    expect([features.shape, logits.shape]).toEqual([
      [1, 512],
      [1, 5],
    ]);
    expect([...(await logits.data())]).toEqual([0, 0, 0, 0, 0]);
    for (const tensor of [images, features, logits, model]) tensor.dispose();
  });
});

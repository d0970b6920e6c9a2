/** Fused neighbours give the same bits as separate ones, in fewer passes. A subclass's own computation still runs. */

import { describe, expect } from 'vitest';
import { add, noGrad, relu, scope, Tensor } from '../../src/autograd/index.ts';
import { BatchNorm2d, Conv2d, pipe, plus, ReLU, Sequential, type Step } from '../../src/nn/index.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

const random = new Generator(11);
const images = () => Tensor.from(gpu, random.fillNormal(new Float32Array(2 * 3 * 7 * 5), 0, 1), [2, 3, 7, 5]);
const convolution = (bias = false, options = {}) =>
  new Conv2d(gpu, 3, 3, { kernelSize: 3, padding: 1, bias, random, ...options });

/** Runs in training mode, then in evaluation mode, and returns each result with its dispatches. */
async function both(norm: BatchNorm2d, run: () => Tensor) {
  const found = [];
  for (const training of [true, false]) {
    norm.train(training);
    const { dispatches } = gpu.stats;
    const result = noGrad(() => scope(run));
    found.push({ values: await result.data(), dispatches: gpu.stats.dispatches - dispatches });
  }
  return found;
}

describe('pipe', () => {
  const residual = images();
  const CHAINS: Record<string, (conv: Conv2d, norm: BatchNorm2d) => readonly [Step[], (x: Tensor) => Tensor]> = {
    'a convolution and its batch norm': (conv, norm) => [[conv, norm], (x) => norm.call(conv.call(x))],
    'and ReLU, as an op': (conv, norm) => [[conv, norm, relu], (x) => relu(norm.call(conv.call(x)))],
    'and ReLU, as a module': (conv, norm) => [[conv, norm, new ReLU()], (x) => relu(norm.call(conv.call(x)))],
    'and a residual': (conv, norm) => [
      [conv, norm, plus(() => residual), relu],
      (x) => relu(add(norm.call(conv.call(x)), residual)),
    ],
    'a batch norm alone': (_, norm) => [[norm, plus(() => residual), relu], (x) => relu(add(norm.call(x), residual))],
  };
  for (const [name, chain] of Object.entries(CHAINS)) {
    for (const [told, bias, options] of [
      ['', false, {}],
      [', the convolution with a bias', true, {}],
      [', the convolution with groups and dilation', false, { groups: 3, dilation: [2, 1], padding: [2, 1] }],
    ] as const) {
      gpuTest(`${name}${told}`, async () => {
        const [x, conv] = [images(), convolution(bias, options)];
        const [one, other] = [new BatchNorm2d(gpu, 3), new BatchNorm2d(gpu, 3)];
        const [steps] = chain(conv, one);
        const [, alone] = chain(conv, other);
        // The first run also derives data from the weights.
        await both(one, () => pipe(x, ...steps));
        await both(other, () => alone(x));
        const [fused, separate] = [await both(one, () => pipe(x, ...steps)), await both(other, () => alone(x))];
        expect(fused.map(({ values }) => values)).toEqual(separate.map(({ values }) => values));
        // A residual and ReLU take no pass of their own. In evaluation mode neither does the batch norm, because a
        // convolution without a bias applies it.
        const after = steps.length - (steps[0] === conv ? 2 : 1);
        const saved = separate.map(({ dispatches }, i) => dispatches - fused[i]!.dispatches);
        expect(saved).toEqual([after, after + (steps[0] === conv && !bias ? 1 : 0)]);
      });
    }
  }

  gpuTest('a sum as the first step, and a separate ReLU', async () => {
    const x = images();
    const found = scope(() =>
      pipe(
        x,
        plus(() => residual),
        relu,
      ),
    );
    expect(await found.data()).toEqual(await scope(() => relu(add(x, residual))).data());
  });

  gpuTest('a residual is computed after the steps before it', () => {
    const order: string[] = [];
    const tell = (name: string) => (x: Tensor) => {
      order.push(name);
      return relu(x);
    };
    scope(() =>
      pipe(
        images(),
        tell('before'),
        plus(() => tell('residual')(residual)),
        tell('after'),
      ),
    );
    expect(order).toEqual(['before', 'residual', 'after']);
  });
});

describe('a module with its own computation', () => {
  class Doubled extends Conv2d {
    override forward(input: Tensor): Tensor {
      const once = super.forward(input);
      return add(once, once);
    }
  }
  class Raised extends BatchNorm2d {
    override forward(input: Tensor): Tensor {
      const once = super.forward(input);
      return add(once, once);
    }
  }

  for (const [name, conv, norm] of [
    ['a convolution', new Doubled(gpu, 3, 3, { kernelSize: 1, random }), new BatchNorm2d(gpu, 3)],
    ['a batch norm', convolution(), new Raised(gpu, 3)],
  ] as const) {
    gpuTest(`${name} is not fused`, async () => {
      const x = images();
      const chain = new Sequential(conv, norm).eval();
      const [found, wanted] = [chain.call(x), scope(() => norm.call(conv.call(x)))];
      expect(await found.data()).toEqual(await wanted.data());
      chain.dispose();
    });
  }

  gpuTest('a wrapped call is made', () => {
    const conv = convolution();
    let calls = 0;
    const call = conv.call.bind(conv);
    conv.call = (input) => {
      calls++;
      return call(input);
    };
    scope(() => new Sequential(conv, new BatchNorm2d(gpu, 3)).call(images()));
    expect(calls).toBe(1);
  });
});

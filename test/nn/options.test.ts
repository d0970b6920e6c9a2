/** Modules refuse invalid options and extents, options that they would ignore, and inputs of the wrong width. */
import { describe, expect, test } from 'vitest';
import { noGrad } from '../../src/autograd/graph.ts';
import { Tensor } from '../../src/autograd/tensor.ts';
import { OptionError, ShapeError } from '../../src/index.ts';
import { BasicBlock, ResNet, resnet18 } from '../../src/models/index.ts';
import {
  AdaptiveAvgPool2d,
  BatchNorm2d,
  Conv2d,
  Linear,
  MaxPool2d,
  type Module,
  Sequential,
} from '../../src/nn/index.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();
const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
const skip = { init: 'skip' } as const;

/** Any options, as plain JavaScript could pass them. */
type Loose = Record<string, unknown>;
const conv = (options: Loose, inChannels = 3, outChannels = 4) =>
  new Conv2d(gpu, inChannels, outChannels, { kernelSize: 3, ...skip, ...options } as never);
const dense = (options: Loose, inFeatures = 3, outFeatures = 4) =>
  new Linear(gpu, inFeatures, outFeatures, { ...skip, ...options } as never);
const norm = (options: Loose, channels = 3) => new BatchNorm2d(gpu, channels, options as never);
const pool = (options: Loose) => new MaxPool2d({ kernelSize: 2, ...options } as never);
const block = (options: Loose, inChannels = 3, channels = 4) =>
  new BasicBlock(gpu, inChannels, channels, { ...skip, ...options } as never);
const net = (options: Loose, depths: unknown = [1, 1, 1, 1]) =>
  new ResNet(gpu, depths as never, { ...skip, ...options } as never);

/** Expects an error before anything takes memory. */
function refuses(build: () => unknown, message: string): void {
  const before = gpu.pool.liveBytes;
  expect(build).toThrow(OptionError);
  expect(build).toThrow(message);
  expect(gpu.pool.liveBytes).toBe(before);
}

describe('a pair', () => {
  for (const [owner, name, least, build] of [
    ['Conv2d', 'kernelSize', 1, (kernelSize: unknown) => conv({ kernelSize })],
    ['Conv2d', 'stride', 1, (stride: unknown) => conv({ stride })],
    ['Conv2d', 'padding', 0, (padding: unknown) => conv({ padding })],
    ['Conv2d', 'dilation', 1, (dilation: unknown) => conv({ dilation })],
    ['MaxPool2d', 'kernelSize', 1, (kernelSize: unknown) => pool({ kernelSize })],
    ['MaxPool2d', 'stride', 1, (stride: unknown) => pool({ stride })],
    ['MaxPool2d', 'padding', 0, (padding: unknown) => pool({ padding })],
    ['AdaptiveAvgPool2d', 'outputSize', 1, (size: unknown) => new AdaptiveAvgPool2d(size as number)],
  ] as const) {
    gpuTest(`${owner} ${name}`, () => {
      for (const value of [least - 1, 1.5, nan, infinity, [2, 2, 2], [1], [], [1, nan], null, 'same', '1', true]) {
        refuses(
          () => build(value),
          `${owner}: ${name} must be a whole number of at least ${least}, or [height, width] of such numbers, got `,
        );
      }
    });
  }

  gpuTest('of padding is at most half the kernel in a pool', () => {
    refuses(() => pool({ padding: 2 }), 'MaxPool2d: padding must be at most half the kernel size [2, 2], got [2, 2].');
  });

  gpuTest('may be a number, and does not follow later changes of the array', () => {
    const stride = [1, 2];
    const layer = conv({ kernelSize: [3, 2], stride, padding: 1 });
    stride[0] = 5;
    expect([layer.stride, layer.padding, layer.weight.shape]).toEqual([
      [1, 2],
      [1, 1],
      [4, 3, 3, 2],
    ]);
    expect(pool({ kernelSize: [2, 3] })).toMatchObject({ stride: [2, 3], padding: [0, 0] });
    layer.dispose();
  });

  test('for the size of an average pool is 1, with one or two values as in torchvision', () => {
    expect(() => new AdaptiveAvgPool2d([1, 1])).not.toThrow();
    expect(() => new AdaptiveAvgPool2d([1, 7])).toThrow(
      'AdaptiveAvgPool2d: outputSize must be 1, the only one implemented, got 1,7.',
    );
  });
});

describe('a whole number of at least 1', () => {
  for (const [owner, name, build] of [
    ['Conv2d', 'inChannels', (value: number) => conv({}, value)],
    ['Conv2d', 'outChannels', (value: number) => conv({}, 3, value)],
    ['Conv2d', 'groups', (value: number) => conv({ groups: value })],
    ['Linear', 'inFeatures', (value: number) => dense({}, value)],
    ['Linear', 'outFeatures', (value: number) => dense({}, 3, value)],
    ['BatchNorm2d', 'channels', (value: number) => norm({}, value)],
    ['BasicBlock', 'inChannels', (value: number) => block({}, value)],
    ['BasicBlock', 'channels', (value: number) => block({}, 3, value)],
    ['BasicBlock', 'stride', (value: number) => block({ stride: value })],
    ['ResNet', 'classes', (value: number) => net({ classes: value })],
    ['ResNet', 'depths[2]', (value: number) => net({}, [1, 1, value, 1])],
  ] as const) {
    gpuTest(`${owner} ${name}`, () => {
      for (const value of [0, -1, 1.5, nan, infinity, null, '3', [3]] as number[]) {
        refuses(() => build(value), `${owner}: ${name} must be a whole number of at least 1, got `);
      }
    });
  }

  gpuTest('Conv2d groups divide both kinds of channels', () => {
    for (const [inChannels, outChannels] of [
      [3, 4],
      [4, 3],
    ] as const) {
      refuses(
        () => conv({ groups: 2 }, inChannels, outChannels),
        `Conv2d: groups must divide inChannels, ${inChannels}, and outChannels, ${outChannels}, got 2.`,
      );
    }
  });

  gpuTest('is each of a ResNet’s four depths', () => {
    refuses(() => net({}, [1, 1, 1]), 'ResNet: depths must be four numbers, got 3.');
  });
});

describe('a number', () => {
  gpuTest('BatchNorm2d eps and momentum', () => {
    for (const value of [-1, nan, infinity, null, '1', 1e39]) {
      refuses(() => norm({ eps: value }), 'BatchNorm2d: eps must be a finite number of at least 0, got ');
    }
    for (const value of [-0.1, 1.1, nan, infinity, '1']) {
      refuses(() => norm({ momentum: value }), 'BatchNorm2d: momentum must be a number from 0 to 1, got ');
    }
    for (const value of [0, 1, null]) norm({ momentum: value, eps: 0 }).dispose();
  });
});

describe('true or false', () => {
  gpuTest('Conv2d and Linear bias', () => {
    for (const value of [null, 0, 1, 'false']) {
      refuses(() => conv({ bias: value }), 'Conv2d: bias must be true or false, got ');
      refuses(() => dense({ bias: value }), 'Linear: bias must be true or false, got ');
    }
  });
});

test('train() and freeze() take only true and false', () => {
  const module = pool({});
  for (const value of [null, 0, 'false'] as unknown[] as boolean[]) {
    expect(() => module.train(value)).toThrow('train(): mode must be true or false, got ');
    expect(() => module.freeze(value)).toThrow('freeze(): frozen must be true or false, got ');
  }
  expect(module.training).toBe(true);
});

gpuTest('loadStateDict() refuses options that it would misread', () => {
  const module = dense({});
  const load = (options: object) => () => module.loadStateDict(new Map(), options);
  for (const [options, message] of [
    [{ strict: 0 }, 'loadStateDict(): strict must be true or false, got 0.'],
    [{ ignore: 'fc.' }, 'loadStateDict(): ignore must be a list of name prefixes, such as ["fc."], got fc..'],
    [
      { ignored: ['fc.'] },
      'loadStateDict(): option ignored is not implemented. Leave it out; the options are strict, ignore.',
    ],
  ] as const) {
    expect(load(options)).toThrow(OptionError);
    expect(load(options)).toThrow(message);
  }
  module.dispose();
});

describe('an option that would be ignored', () => {
  for (const [owner, build, names] of [
    ['Conv2d', conv, ['paddingMode', 'transposed']],
    ['Linear', dense, ['dtype']],
    ['BatchNorm2d', norm, ['affine', 'trackRunningStats']],
    ['MaxPool2d', pool, ['dilation', 'ceilMode', 'returnIndices']],
    ['BasicBlock', block, ['groups', 'dilation', 'baseWidth']],
    ['ResNet', net, ['numClasses', 'widthPerGroup']],
  ] as const) {
    gpuTest(`of ${owner}`, () => {
      for (const name of names) {
        refuses(
          () => build({ [name]: 2 }),
          `${owner}: option ${name} is not implemented. Leave it out; the options are `,
        );
      }
    });
  }
});

describe('the source of weights', () => {
  const random = new Generator(0);
  for (const [owner, build] of [
    ['Conv2d', (init: Loose) => new Conv2d(gpu, 3, 4, { kernelSize: 3, ...init } as never)],
    ['Linear', (init: Loose) => new Linear(gpu, 3, 4, init as never)],
    ['BasicBlock', (init: Loose) => new BasicBlock(gpu, 3, 4, init as never)],
    ['ResNet', (init: Loose) => resnet18(gpu, init as never)],
  ] as const) {
    gpuTest(`is a required option of ${owner}`, () => {
      refuses(
        () => build({}),
        `${owner}: random must be a source of random numbers, such as new Generator(0), got undefined. For weights ` +
          'that will be loaded, leave it out and pass init: "skip".',
      );
      refuses(() => build({ init: 'draw' }), `${owner}: random must be a source of random numbers`);
      refuses(() => build({ random: null }), `${owner}: random must be a source of random numbers`);
      refuses(() => build({ init: 'skip', random: 7 }), `${owner}: random must be a source of random numbers`);
      refuses(() => build({ random, init: 'none' }), `${owner}: init must be "draw" or "skip", got "none".`);
      refuses(() => build(undefined as unknown as Loose), owner);
    });
  }
});

describe('an error about an input of the wrong width names the input, not the weight', () => {
  const refused = (module: Module, shape: number[], message: string) => {
    const input = Tensor.zeros(gpu, shape);
    for (const run of [() => module.call(input), () => noGrad(() => module.call(input))]) {
      expect(run).toThrow(ShapeError);
      expect(run).toThrow(message);
    }
    input.dispose();
    module.dispose();
  };

  gpuTest('Linear', () => {
    refused(dense({}), [2, 5], 'Linear: input must have shape [..., 3], got [2, 5].');
    refused(dense({}), [2, 3, 1], 'Linear: input must have shape [..., 3], got [2, 3, 1].');
  });

  gpuTest('Conv2d, alone and before a batch norm', () => {
    const message = 'Conv2d: input must have shape [N, 3, H, W], got [2, 4, 5, 5].';
    refused(conv({}), [2, 4, 5, 5], message);
    refused(conv({}), [3, 5, 5], 'Conv2d: input must have shape [N, 3, H, W], got [3, 5, 5].');
    refused(new Sequential(conv({}), norm({}, 4)), [2, 4, 5, 5], message);
    refused(new Sequential(conv({ bias: false }), norm({}, 4)).eval(), [2, 4, 5, 5], message);
  });

  gpuTest('BatchNorm2d, alone and after a convolution', () => {
    refused(norm({}), [2, 4, 5, 5], 'BatchNorm2d: input must have shape [N, 3, H, W], got [2, 4, 5, 5].');
    const after = 'BatchNorm2d: input must have 3 channels, got the 4 of the convolution before it.';
    for (const bias of [true, false]) {
      refused(new Sequential(conv({ bias }), norm({})), [2, 3, 5, 5], after);
      refused(new Sequential(conv({ bias }), norm({})).eval(), [2, 3, 5, 5], after);
    }
  });

  gpuTest('a ResNet', () => {
    refused(net({}), [1, 1, 32, 32], 'Conv2d: input must have shape [N, 3, H, W], got [1, 1, 32, 32].');
  });
});

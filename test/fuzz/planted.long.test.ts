/** Errors planted in shaders, gradients and memory. Random programs must find each, and shrink to a small program. */
import { afterAll, describe, expect } from 'vitest';
import { record, Tensor } from '../../src/autograd/index.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { sgdStep } from '../../src/kernels/optim/sgd.ts';
import { type ShaderEdit, withGpu } from '../support/gpu.ts';
import { findTorchPython, NO_TORCH } from '../support/python.ts';
import { skipUnless } from '../support/skip.ts';
import { scaleGradient } from '../support/tamper.ts';
import { type CampaignOptions, runCampaign, type Summary } from './campaign.ts';
import type { FailureKind } from './compare.ts';
import { type Op, type Program, walk } from './program.ts';
import { TorchPrograms } from './torch.ts';

const { gpuTest } = await withGpu();
const python = findTorchPython();
const torchTest = python ? gpuTest : skipUnless(false, NO_TORCH);
const torch = python === undefined ? undefined : new TorchPrograms(python);
afterAll(() => torch?.close());

const SEED = 5;
/** The error must be found within so many programs. */
const COUNT = 60;
/** The most statements of a program. */
const LARGEST = 40;
const TIMEOUT_MS = 300_000;

/**
 * Small programs with given statements, ops or values. Only own devices, as other claims would compile all shaders
 * again.
 */
const having =
  (...wanted: string[]) =>
  (program: Program) => {
    const statements = [...walk(program.statements)];
    const found = statements.flatMap((one) => (one.do === 'op' ? featuresOf(one.op) : [one.do]));
    const values = program.leaves.map((leaf) => leaf.values.kind);
    return (
      program.device === 'own' &&
      statements.length <= LARGEST &&
      wanted.every((one) => found.includes(one) || values.some((kind) => kind === one))
    );
  };

const featuresOf = ({ op, options }: Op): string[] => [
  op,
  ...(options.training === true ? ['training'] : []),
  ...Object.values(options).filter((option) => typeof option === 'string'),
];

const find = (options: Partial<CampaignOptions>): Promise<Summary> =>
  runCampaign({ seed: SEED, count: COUNT, torch, shrinkSeconds: 0, ...options });

const kindsOf = ({ failure }: Summary): FailureKind[] => (failure?.failures ?? []).map(({ kind }) => kind);

/** Plants an edit in every shader that contains the text. */
function planting({ find: text, replace }: ShaderEdit) {
  return ({ device }: Gpu) => {
    const original = device.createShaderModule.bind(device);
    device.createShaderModule = (descriptor) =>
      original({ ...descriptor, code: descriptor.code.replace(text, replace) });
  };
}

const SHADERS: readonly [what: string, wanted: string[], kinds: FailureKind[], edit: ShaderEdit][] = [
  [
    'ReLU passes the gradient at 0',
    ['relu'],
    ['gradient'],
    { find: 'select(grad, 0.0, y <= 0.0)', replace: 'select(grad, 0.0, y < 0.0)' },
  ],
  ['a sum leaves out its second term', ['add'], ['value'], { find: 'return a + b;', replace: 'return a;' }],
  [
    'a sum does not write its last element',
    ['add'],
    ['poison'],
    { find: 'i < params.count', replace: 'i + 1u < params.count' },
  ],
  [
    'batch norm forgets the variance in its gradient',
    ['batchNorm2d', 'training'],
    ['gradient'],
    { find: ' - slope * (value - mean)', replace: '' },
  ],
  [
    'the running variance is biased',
    ['batchNorm2d', 'training'],
    ['value', 'parameter'],
    { find: '(count - 1.0)', replace: 'count' },
  ],
  [
    'the last of equal maxima wins',
    ['maxPool2d', 'integers', 'backward'],
    ['gradient'],
    { find: 'value > best.value', replace: 'value >= best.value' },
  ],
  [
    'the gradient of a mean is not divided',
    ['globalAvgPool2d'],
    ['gradient'],
    { find: 'outputGrad[p] / f32(params.plane)', replace: 'outputGrad[p]' },
  ],
  [
    'a product leaves out its first input',
    ['linear'],
    ['value'],
    { find: 'var i = part;', replace: 'var i = part + PARTS;' },
  ],
  ['the loss takes its gradient as 1', ['crossEntropy'], ['gradient'], { find: 'outputGrad[0] / ', replace: '1.0 / ' }],
  [
    'an operand does not move along the first dimension',
    ['mul'],
    ['value'],
    { find: 'at0 * params.bStride0', replace: '0u' },
  ],
  [
    'only one of the gradients that a broadcast value has is counted',
    ['expand', 'backward'],
    ['gradient'],
    { find: 'sum += ', replace: 'sum = ' },
  ],
  [
    'where gives its gradient to the other operand',
    ['where', 'backward'],
    ['gradient'],
    { find: 'select(0.0, grad, condition != 0u)', replace: 'select(0.0, grad, condition == 0u)' },
  ],
  [
    'a product of matrices leaves out its last term',
    ['matmul'],
    ['value'],
    { find: 'depth < begin.lastDepth; depth += PARTS', replace: 'depth + 1u < begin.lastDepth; depth += PARTS' },
  ],
  [
    'the gradient of softmax forgets its sum',
    ['softmax', 'backward'],
    ['gradient'],
    { find: '(outputGrad[i] - total)', replace: 'outputGrad[i]' },
  ],
  [
    'the gradient of layer norm forgets the mean',
    ['layerNorm', 'backward'],
    ['gradient'],
    { find: 'grad - gradMean - x', replace: 'grad - x' },
  ],
  [
    'equal indices have one gradient',
    ['indexSelect', 'backward'],
    ['gradient'],
    { find: 'p < end', replace: 'p < start + 1u' },
  ],
  [
    'the reflection repeats the edge',
    ['pad', 'reflect'],
    ['value'],
    { find: '2 * (inside - 1) - j', replace: '2 * inside - 1 - j' },
  ],
  ['SGD ignores dampening', ['step'], ['parameter'], { find: 'params.keep * d', replace: 'd' }],
  [
    'SGD reads its buffer in the first step',
    ['step'],
    ['poison'],
    { find: 'let moved = d;', replace: 'let moved = d + buffer[i];' },
  ],
];

describe('an error in a shader is found', () => {
  for (const [what, ops, kinds, edit] of SHADERS) {
    torchTest(
      what,
      async () => {
        const summary = await find({ filter: having(...ops), prepare: planting(edit) });
        expect(kindsOf(summary)).toEqual(expect.arrayContaining([expect.toBeOneOf(kinds)]));
      },
      TIMEOUT_MS,
    );
  }
});

const scaled =
  (name: string, factor: number): NonNullable<CampaignOptions['tamper']> =>
  (op, result): Tensor =>
    op.op === name ? replacing(result, scaleGradient(result, factor)) : result;

function replacing(result: Tensor, tampered: Tensor): Tensor {
  result.dispose();
  return tampered;
}

describe('a gradient that is 2 % too large is found', () => {
  for (const op of [
    'relu',
    'add',
    'conv2d',
    'batchNorm2d',
    'maxPool2d',
    'linear',
    'matmul',
    'concat',
    'crossEntropy',
  ]) {
    torchTest(
      `of ${op}, with PyTorch`,
      async () => {
        const summary = await find({ filter: having(op, 'backward'), tamper: scaled(op, 1.02) });
        expect(kindsOf(summary)).toEqual(expect.arrayContaining([expect.toBeOneOf(['gradient', 'difference'])]));
      },
      TIMEOUT_MS,
    );
  }
  // Without PyTorch few ops suffice, because a difference quotient depends only on the loss and the leaf.
  for (const op of ['conv2d', 'batchNorm2d', 'crossEntropy', 'logsumexp']) {
    gpuTest(
      `of ${op}, by finite differences`,
      async () => {
        const summary = await find({
          filter: having(op, 'backward'),
          tamper: scaled(op, 1.02),
          torch: undefined,
        });
        expect(kindsOf(summary)).toContain('difference');
      },
      TIMEOUT_MS,
    );
  }
});

describe('an error in memory is found', () => {
  gpuTest(
    'a leak',
    async () => {
      const tamper: CampaignOptions['tamper'] = (op, result) => {
        if (op.op === 'relu') result.storage.retain();
        return result;
      };
      expect(kindsOf(await find({ filter: having('relu'), tamper, torch: undefined }))).toEqual(['leak']);
    },
    TIMEOUT_MS,
  );

  gpuTest(
    'an op that does not save what its backward reads',
    async () => {
      const tamper: CampaignOptions['tamper'] = (op, result) => (op.op === 'add' ? forgetful(result) : result);
      const filter = having('add', 'backward', 'dispose');
      // The memory may already belong to the tensor that the op writes, which WebGPU refuses.
      expect(kindsOf(await find({ filter, tamper, torch: undefined }))).toEqual(
        expect.arrayContaining([expect.toBeOneOf(['poison', 'crash'])]),
      );
    },
    TIMEOUT_MS,
  );
});

/** Returns the input itself. Its backward adds 0 times the input to the gradient, but the input is not saved. */
function forgetful(input: Tensor): Tensor {
  const { gpu, shape, size, buffer } = input;
  const scaling = { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, first: true };
  const output = record({
    name: 'forgetful',
    inputs: [input],
    output: input.detach(),
    backward: (outputGrad) => {
      const inputGrad = Tensor.zeros(gpu, shape);
      sgdStep(gpu, size, { ...scaling, lr: -1 }, inputGrad.buffer, outputGrad.buffer);
      sgdStep(gpu, size, { ...scaling, lr: 0 }, inputGrad.buffer, buffer);
      return [inputGrad];
    },
  });
  return replacing(input, output);
}

describe('a failing program', () => {
  torchTest(
    'is shrunk',
    async () => {
      const edit = { find: 'return a + b;', replace: 'return a;' };
      const options = { filter: having('add'), prepare: planting(edit) };
      const [before] = kindsOf(await find(options));
      const { failure } = await find({ ...options, shrinkSeconds: 20 });
      const { program } = failure!;
      expect([...walk(program.statements)].length).toBeLessThanOrEqual(8);
      const names = [...walk(program.statements)].map((one) => (one.do === 'op' ? one.op.op : one.do));
      expect(names).toContain('add');
      expect(failure!.failures.map(({ kind }) => kind)).toContain(before);
    },
    TIMEOUT_MS,
  );
});

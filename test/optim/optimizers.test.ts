/** Optimizers against PyTorch's values in float64, errors planted in their kernels, and what they refuse. */
import { describe, expect } from 'vitest';
import { OptionError } from '../../src/autograd/errors.ts';
import { Tensor } from '../../src/autograd/tensor.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import { Adam, type AdamOptions, AdamW } from '../../src/optim/index.ts';
import { openAs, type ShaderEdit, withGpu } from '../support/gpu.ts';
import { seesPlanted } from '../support/planted.ts';
import { optimizerDifferences, runs } from './support.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

const titleOf = (run: (typeof runs)[number]) => `${run.name} with ${JSON.stringify(run.groups)}`;

describe('two groups equal PyTorch’s', () => {
  for (const run of runs) {
    gpuTest(titleOf(run), async () => {
      const before = gpu.pool.liveBytes;
      expect(await optimizerDifferences(gpu, run)).toEqual([]);
      expect(gpu.pool.liveBytes).toBe(before);
    });
  }

  for (const kind of ['cpu', 'gpu'] as const) {
    gpuTest(`with the kernels for a ${kind}`, async () => {
      const other = await openAs({ kind });
      for (const run of runs) expect(await optimizerDifferences(other, run), titleOf(run)).toEqual([]);
    });
  }
});

const ADAM: readonly [what: string, edit: ShaderEdit][] = [
  ['the step is 2 % too long', { find: 'params.stepSize *', replace: '1.02 * params.stepSize *' }],
  ['the average of the gradient is 2 % too large', { find: 'params.keep1 * d', replace: '1.02 * params.keep1 * d' }],
  ['the average square is 2 % too large', { find: 'params.keep2 * d', replace: '1.02 * params.keep2 * d' }],
  ['the square is uncorrected', { find: ' / params.correction', replace: '' }],
  [
    'eps is inside the root',
    { find: 'sqrt(square) / params.correction + params.eps', replace: 'sqrt(square + params.eps) / params.correction' },
  ],
  ['eps is ignored', { find: ' + params.eps', replace: '' }],
  ['the averages forget', { find: 'params.beta1 * expAvg[i] + ', replace: '' }],
  ['the squares forget', { find: 'params.beta2 * expAvgSq[i] + ', replace: '' }],
  ['the last element is left out', { find: 'if (i < params.count)', replace: 'if (i + 1u < params.count)' }],
];

const OTHERS: readonly [name: string, what: string, edit: ShaderEdit][] = [
  ['SGD', 'moves 2 % too far', { find: 'value - params.lr', replace: 'value - 1.02 * params.lr' }],
  ['Adam', 'does not decay', { find: ' + params.decay * value', replace: '' }],
  ['AdamW', 'does not decay', { find: 'params.decay * param[i]', replace: 'param[i]' }],
  [
    'AdamW',
    'decays the gradient',
    { find: 'let d = grad[i];', replace: 'let d = grad[i] + (1.0 - params.decay) * value;' },
  ],
];

describe('planted errors', () => {
  const inAll = async (tampered: Parameters<typeof optimizerDifferences>[0], name: string) => {
    const found: string[] = [];
    for (const run of runs.filter((one) => one.name === name))
      found.push(...(await optimizerDifferences(tampered, run)));
    return found;
  };
  for (const [what, edit] of ADAM) {
    seesPlanted(gpuTest, { what, wrong: 'parameter', edit }, (tampered) => inAll(tampered, 'Adam'));
  }
  for (const [name, what, edit] of OTHERS) {
    seesPlanted(gpuTest, { what: `${name} ${what}`, wrong: 'parameter', edit }, (tampered) => inAll(tampered, name));
  }
});

/** A parameter of 1 whose gradient is 1. */
function moving(): Tensor {
  const parameter = Tensor.from(gpu, [1], [1]);
  parameter.grad = Tensor.from(gpu, [1], [1]);
  return parameter;
}

describe('Adam', () => {
  gpuTest('has torch’s defaults', () => {
    const settings = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8 };
    expect(new Adam([moving()])).toMatchObject({ ...settings, weightDecay: 0 });
    expect(new AdamW([moving()])).toMatchObject({ ...settings, weightDecay: 0.01 });
  });

  gpuTest('counts the steps of each parameter by itself', async () => {
    const [a, b] = [moving(), moving()];
    const late = b.grad!;
    b.grad = undefined;
    const optimizer = new Adam([a, b], { lr: 0.5 });
    optimizer.step();
    b.grad = late;
    optimizer.step();
    expect(optimizer.stateDict().values.steps).toEqual([2, 1]);
    // The first step of a constant gradient is lr, whatever its size.
    expect(await b.item()).toBeCloseTo(0.5, 6);
    optimizer.dispose();
  });

  gpuTest('refuses invalid options by name', () => {
    const refuses = (options: object, message: string) => {
      const build = () => new Adam([moving()], options as AdamOptions);
      expect(build).toThrow(OptionError);
      expect(build).toThrow(message);
    };
    for (const name of ['lr', 'eps', 'weightDecay']) {
      for (const value of [-1, Number.NaN, 1e39, null]) {
        refuses({ [name]: value }, `Adam: ${name} must be a finite number of at least 0, got ${value}.`);
      }
    }
    const must = 'Adam: betas must be two numbers of at least 0 and below 1, got';
    refuses({ betas: [0.9, 1] }, `${must} [0.9, 1].`);
    refuses({ betas: [0.9] }, `${must} [0.9].`);
    refuses({ betas: [-0.1, 0.9] }, must);
    refuses({ betas: 0.9 }, `${must} 0.9.`);
    refuses({ amsgrad: true }, 'Adam: option amsgrad is not implemented. Leave it out; the options are lr, betas,');
    expect(() => new AdamW([moving()], { eps: -1 })).toThrow('AdamW: eps must be');
  });

  gpuTest('refuses an invalid setting at the next step, before anything moves', async () => {
    const [a, b] = [moving(), moving()];
    const optimizer = new Adam([{ parameters: [a] }, { parameters: [b] }]);
    optimizer.groups[1]!.betas = [0.9, 2];
    expect(() => optimizer.step()).toThrow('Adam, group 1: betas must be two numbers');
    expect([await a.item(), optimizer.stateDict().tensors.size]).toEqual([1, 0]);
  });

  gpuTest('makes no new objects on the device from step to step', async () => {
    const own = await openGpu();
    const parameters = Array.from({ length: 5 }, (_, i) => Tensor.from(own, new Float32Array(i + 1).fill(1), [i + 1]));
    for (const parameter of parameters) parameter.grad = Tensor.from(own, new Float32Array(parameter.size).fill(1));
    const optimizer = new AdamW(parameters, { lr: 0 });
    const counts = [];
    for (let step = 0; step < 300; step++) {
      optimizer.lr = 1e-4 * (step + 1);
      optimizer.step();
      if (step === 100 || step === 299) counts.push({ ...own.stats, submits: 0, dispatches: 0 });
    }
    expect(counts[1]).toEqual(counts[0]);
    expect(await parameters[0]!.item()).toBeLessThan(0);
    own.close();
  });
});

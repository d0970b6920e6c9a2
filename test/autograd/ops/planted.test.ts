/** Errors planted in shaders and gradients. The golden cases must see each of them. */

import { describe } from 'vitest';
import { type ShaderEdit, withGpu } from '../../support/gpu.ts';
import { largest, seesPlanted, seesWrongGradients } from '../../support/planted.ts';
import { type Case, cases, differences, RUNS, sgdDifferences } from './golden.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

/** Each error with the values of the op's cases that it makes wrong, and the edit that plants it. */
const PLANTED: readonly [what: string, op: string, wrong: string, edit: ShaderEdit][] = [
  [
    'relu passes the gradient at 0',
    'relu',
    'inputGrad',
    { find: 'select(grad, 0.0, y <= 0.0)', replace: 'select(grad, 0.0, y < 0.0)' },
  ],
  ['relu drops NaN', 'relu', 'output', { find: 'select(x, 0.0, x < 0.0)', replace: 'select(0.0, x, x > 0.0)' }],
  ['a term is left out', 'add', 'output', { find: 'a + b', replace: 'a' }],
  ['the last element is left out', 'add', 'output', { find: 'i < params.count', replace: 'i + 1u < params.count' }],
  [
    'the term of the mean is missing',
    'batchNorm2d',
    'inputGrad',
    { find: 'grad - gradMean - slope', replace: 'grad - slope' },
  ],
  [
    'the term of the variance is missing',
    'batchNorm2d',
    'inputGrad',
    { find: ' - slope * (value - mean)', replace: '' },
  ],
  [
    'in evaluation mode the weight is missing',
    'batchNorm2d',
    'inputGrad',
    { find: 'outputGrad[i] * scale', replace: 'outputGrad[i] * statistics[params.channels + c]' },
  ],
  ['the running variance is biased', 'batchNorm2d', 'runningVarAfter', { find: '(count - 1.0)', replace: 'count' }],
  [
    'eps is added outside the square root',
    'batchNorm2d',
    'output',
    { find: 'inverseRoot(variance)', replace: '1.0 / (sqrt(allSquares.x / count) + params.eps)' },
  ],
  [
    'the last value of a run is left out of the variance',
    'batchNorm2d',
    'runningVarAfter',
    { find: 'runSquares += distance7 * distance7;', replace: '' },
  ],
  [
    'the means of two runs are taken as equal',
    'batchNorm2d',
    'runningVarAfter',
    { find: ' + apart * apart * (seen * share)', replace: '' },
  ],
  [
    'the means of two invocations are taken as equal',
    'batchNorm2d',
    'runningVarAfter',
    { find: 'addTo(&squares, &squaresLow, apart * (apart * seen));', replace: '' },
  ],
  [
    'a run of the sum is cut short',
    'batchNorm2d',
    'biasGrad',
    {
      find: 'addTo(&grads, &gradsLow, runGrads);',
      replace: 'if (start == 0u) { addTo(&grads, &gradsLow, runGrads); }',
    },
  ],
  [
    'ReLU passes the gradient at 0',
    'batchNorm2d',
    'biasGrad',
    { find: 'output <= Value()', replace: 'output < Value()' },
  ],
  [
    'ReLU is max(), which may drop NaN',
    'batchNorm2d',
    'output',
    { find: 'value, Value(), value < Value()', replace: 'Value(), value, value > Value()' },
  ],
  ['the residual is left out', 'batchNorm2d', 'output', { find: ' + Value(residual[i])', replace: '' }],
  [
    'ReLU passes the whole gradient to the residual',
    'batchNorm2d',
    'residualGrad',
    { find: 'passed[i] = grad;', replace: 'passed[i] = outputGrad[i];' },
  ],
  [
    'ReLU is decided by the result without the bias',
    'batchNorm2d',
    'inputGrad',
    { find: 'normalised(value, mean, scale, shift))', replace: 'normalised(value, mean, scale, 0.0))' },
  ],
  [
    'the last part of a plane is left out',
    'batchNorm2d',
    'output',
    { find: 'params.part, params.plane)', replace: 'params.part, params.plane - 1u)' },
  ],
  ['the last maximum wins', 'maxPool2d', 'inputGrad', { find: 'value > best.value', replace: 'value >= best.value' }],
  [
    'the padding at the left edge is another column',
    'maxPool2d',
    'output',
    { find: ', x == 0u)', replace: ', false)' },
  ],
  ['NaN is skipped', 'maxPool2d', 'output', { find: 'best.value || isNan', replace: 'best.value' }],
  ['a row of windows is left out', 'maxPool2d', 'inputGrad', { find: 'y / STRIDE.y + 1u;', replace: '0xffffffffu;' }],
  [
    'a pixel at the edge is left out',
    'maxPool2d',
    'inputGrad',
    { find: 'y + 1u < params.height', replace: 'y + 2u < params.height' },
  ],
  [
    'a tap is left out',
    'maxPool2d',
    'output',
    { find: 'PADDING.x) - PADDING.x, params.width - 1u)', replace: 'PADDING.x) - PADDING.x, params.width - 2u)' },
  ],
  [
    'a tap of the loop is left out',
    'maxPool2d',
    'output',
    { find: 'KERNEL.x - PADDING.x, params.width)', replace: 'KERNEL.x - PADDING.x - 1u, params.width)' },
  ],
  [
    'a row of windows of the loop is left out',
    'maxPool2d',
    'inputGrad',
    { find: 'min((y + PADDING.y) / STRIDE.y + 1u,', replace: 'min((y + PADDING.y) / STRIDE.y,' },
  ],
  ['a pixel is left out', 'globalAvgPool2d', 'output', { find: 'var i = start;', replace: 'var i = start + 1u;' }],
  [
    'the gradient is not divided by the plane',
    'globalAvgPool2d',
    'inputGrad',
    { find: 'outputGrad[p] / f32(params.plane)', replace: 'outputGrad[p]' },
  ],
  ['the first product is left out', 'linear', 'output', { find: 'var i = part;', replace: 'var i = part + PARTS;' }],
  ['the first output is left out', 'linear', 'inputGrad', { find: 'var o = 0u;', replace: 'var o = 1u;' }],
  ['the first row is left out', 'linear', 'weightGrad', { find: 'var n = 0u;', replace: 'var n = 1u;' }],
  [
    'a row is left out of the bias',
    'linear',
    'biasGrad',
    { find: 'sums.x += outputGrad[n * size + o]', replace: 'sums.x += 0.0' },
  ],
  ['onehot is missing', 'crossEntropy', 'logitsGrad', { find: ' - select(0.0, 1.0, c == label)', replace: '' }],
  [
    'the gradient is not a mean',
    'crossEntropy',
    'logitsGrad',
    { find: 'outputGrad[0] / f32(params.rows)', replace: 'outputGrad[0]' },
  ],
  [
    'the output’s gradient is taken as 1',
    'crossEntropy',
    'logitsGrad',
    { find: 'outputGrad[0] / ', replace: '1.0 / ' },
  ],
  [
    'the maximum is not subtracted',
    'crossEntropy',
    'output',
    {
      find: 'let maximum = largestOf(largest, lane);',
      replace: 'let maximum = 0.0 * largestOf(largest, lane);',
    },
  ],
  [
    'the last of equal logits wins',
    'countCorrect',
    'output',
    { find: 'valueB == valueA && b < a', replace: 'valueB == valueA && b > a' },
  ],
];

const casesOf = (op: string) => cases.filter((one) => one.op === op);

const SGD: readonly [what: string, edit: ShaderEdit][] = [
  ['dampening is ignored', { find: 'params.keep * d', replace: 'd' }],
  ['momentum is ignored', { find: 'params.momentum * buffer[i] + ', replace: '' }],
  ['weight decay is ignored', { find: ' + params.weightDecay * value', replace: '' }],
  ['the first step reads the buffer', { find: 'let moved = d;', replace: 'let moved = d + buffer[i];' }],
  ['Nesterov forgets the gradient', { find: '(d + params.momentum * moved)', replace: '(params.momentum * moved)' }],
  ['the sign is wrong', { find: 'value - params.lr', replace: 'value + params.lr' }],
];

async function inAll(op: string, run: (one: Case) => Promise<string[]>): Promise<string[]> {
  const found: string[] = [];
  for (const one of casesOf(op)) found.push(...(await run(one)));
  return found;
}

describe.each([...new Set(PLANTED.map(([, op]) => op))])('%s', (op) => {
  for (const [what, , wrong, edit] of PLANTED.filter((planted) => planted[1] === op)) {
    seesPlanted(gpuTest, { what, wrong, edit }, (tampered) => inAll(op, (one) => differences(tampered, one)));
  }
});

describe('sgd', () => {
  for (const [what, edit] of SGD) {
    seesPlanted(gpuTest, { what, wrong: 'param', edit }, (tampered) =>
      inAll('sgd', (one) => sgdDifferences(tampered, one)),
    );
  }
});

// Convolution has its own test, for every variant (conv2d/planted.test.ts).
const withGradient = Object.keys(RUNS).filter((op) => casesOf(op).some(({ seed }) => seed));
describe.each(withGradient)('%s', (op) => {
  seesWrongGradients(gpuTest, () => gpu, largest(casesOf(op)));
});

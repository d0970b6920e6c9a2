/**
 * Errors planted in the convolutions of every variant. A golden case must see each of them. The tables name the case,
 * because compiling all cases with every error would take minutes.
 */

import { afterAll, beforeAll, describe } from 'vitest';
import { conv2d, Tensor } from '../../../src/autograd/index.ts';
import type { AdapterTraits } from '../../../src/gpu/gpu.ts';
import type { Conv2dVariant } from '../../../src/kernels/conv2d/choose.ts';
import {
  type Case,
  conv2dCases,
  conv2dGroupCases,
  differences,
  RUNS,
  WINOGRAD_SLACK,
} from '../../autograd/ops/golden.ts';
import { forceConv2dVariant } from '../../support/force.ts';
import { openAs, withGpu } from '../../support/gpu.ts';
import { findsWrongGradients, seesPlanted, seesWrongGradients } from '../../support/planted.ts';
import { DEPTHWISE, ROWS_GROUPS, TILED_GROUPS } from './planted-groups.ts';
import { type Planted, REFERENCE } from './planted-reference.ts';

const { gpuTest } = await withGpu();

/** Errors in kernels that the variants share. */
const SHARED: Planted[] = [
  [
    'a slice is left out',
    'many rows',
    'weightGrad',
    { find: 'slice < params.slices', replace: 'slice + 1u < params.slices' },
  ],
  [
    'the bias of the last channel is forgotten',
    '1x1 in wide padding',
    'output',
    {
      find: 'plane >= params.planes',
      replace: 'plane >= params.planes || plane % params.channels == params.channels - 1u',
    },
  ],
  [
    'the gradient of the last bias is not written',
    '1x1',
    'biasGrad',
    { find: 'lane == 0u && channel < params.channels', replace: 'lane == 0u && channel + 1u < params.channels' },
  ],
  [
    'an image is left out of the bias',
    '1x1',
    'biasGrad',
    { find: 'image < params.batch', replace: 'image + 1u < params.batch' },
  ],
];

const ROWS: Planted[] = [
  ...['output', 'inputGrad'].map(
    (wrong): Planted => [
      'a tap is left out',
      '2x2',
      wrong,
      { find: /(\+= a0 \* x\d+) \+ a1 \* x\d+;/g, replace: '$1;' },
    ],
  ),
  [
    'a tap is left out',
    '2x2',
    'weightGrad',
    { find: /a0 \* x1_1 \+ a1 \* x1_2 \+ a2 \* x1_3 \+ a3 \* x1_4/g, replace: '0.0' },
  ],
  ...(
    [
      ['the row above the first is no padding', '3x3', ', 0.0, atTop)', ', 0.0, false)'],
      ['the row below the last is no padding', '3x3', ', 0.0, blockDone)', ', 0.0, false)'],
      ['the first row of a block is not carried', '3x3', 'carried1_2 = xNext_2', 'carried1_2 = x2_2'],
      ['the row above is not carried', '3x3', 'carried0_2 = x1_2', 'carried0_2 = 0.0'],
      ['the row above is not carried', '3x3 stride 2, even extents', 'carried0_3 = x2_3', 'carried0_3 = 0.0'],
      ['the row above the first is no padding', '3x3 stride 2, even extents', ', 0.0, outRow == 0u)', ', 0.0, false)'],
    ] as const
  ).map(([what, name, find, replace]): Planted => [what, name, 'weightGrad', { find, replace }]),
  [
    'the loop over taps goes to the next row too early',
    '4x6',
    'output',
    { find: 'tapColumn == params.tapColumns', replace: 'tapColumn + 1u == params.tapColumns' },
  ],
  [
    'the taps are not rotated by 180°',
    '2x2',
    'inputGrad',
    {
      find: /(let w(\d)_0 = packed\[weight) [+-] \d+\]/g,
      replace: '$1 + 8 * $2]',
    },
  ],
  [
    'a channel gets the weights of its neighbour',
    '1x1',
    'output',
    { find: /let a0 = (.*)w0_0\.y/, replace: 'let a0 = $1w0_0.x' },
  ],
  ...['output', 'inputGrad'].flatMap((wrong) =>
    ['Row', 'Column'].map(
      (axis): Planted => [
        `padding is on the wrong side of a ${axis.toLowerCase()}`,
        '1x1 in wide padding',
        wrong,
        { find: ` + params.origin${axis};`, replace: ';' },
      ],
    ),
  ),
  ...['Height', 'Width'].map(
    (axis): Planted => [
      `padding is on the wrong side (${axis.toLowerCase()})`,
      '1x1 in wide padding',
      'weightGrad',
      { find: ` - i32(params.padding${axis});`, replace: ';' },
    ],
  ),
  ...['2x2 stride 2 and 3', '1x1 stride 2'].map(
    (name): Planted => [
      'a phase is left out',
      name,
      'inputGrad',
      {
        find: 'segment >= params.segments',
        replace:
          'segment >= params.segments || (params.outOffsetWidth + 1u == params.outStepWidth && params.outStepWidth > 1u)',
      },
    ],
  ),
  [
    'columns beyond the row are written',
    '1x1',
    'output',
    { find: 'min(7u, params.gridWidth - column0)', replace: '7u' },
  ],
  [
    'columns beyond the row are not masked',
    '2x2',
    'weightGrad',
    { find: /, column0 \+ \d+u < params\.outWidth\);/g, replace: ', true);' },
  ],
];

const TILED: Planted[] = [
  ...['output', 'inputGrad'].map(
    (wrong): Planted => [
      'a tap is left out',
      '2x2',
      wrong,
      { find: 'params.depthsPerSlice, params.depths)', replace: 'params.depthsPerSlice, params.depths - 1u)' },
    ],
  ),
  ['a tap is left out', '2x2', 'weightGrad', { find: /\((column\d) < columns/g, replace: '($1 + 1u < columns' }],
  [
    'the taps are not rotated by 180°',
    '2x2',
    'inputGrad',
    { find: 'weight[last - column', replace: 'weight[last - 1u + column' },
  ],
  [
    'the input and output channels are not swapped',
    '2x2',
    'inputGrad',
    { find: 'pair / params.outChannels', replace: 'pair / params.inChannels' },
  ],
  ...['output', 'inputGrad'].flatMap((wrong) =>
    ['Row', 'Column'].map(
      (axis): Planted => [
        `padding is on the wrong side of a ${axis.toLowerCase()}`,
        '1x1 in wide padding',
        wrong,
        { find: new RegExp(` \\+ params\\.origin${axis};`, 'g'), replace: ';' },
      ],
    ),
  ),
  ...['Height', 'Width'].map(
    (axis): Planted => [
      `padding is on the wrong side (${axis.toLowerCase()})`,
      '1x1 in wide padding',
      'weightGrad',
      { find: ` - i32(params.padding${axis});`, replace: ';' },
    ],
  ),
  ...['2x2 stride 2 and 3', '1x1 stride 2'].map(
    (name): Planted => [
      'a phase is left out',
      name,
      'inputGrad',
      {
        find: /if \(real & \(row < rows\)\) \{(\s+let place)/g,
        replace:
          'if (real && row < rows && (params.outOffsetWidth + 1u < params.outStepWidth || params.outStepWidth == 1u)) {$1',
      },
    ],
  ),
  ['depth beyond the end is not masked', '1x1', 'output', { find: /depth < lastDepth/g, replace: 'true' }],
  ['pixels beyond the last are not masked', '64x64', 'weightGrad', { find: /depth < lastDepth/g, replace: 'true' }],
  [
    'a slice is written over another',
    '1x1',
    'output',
    { find: 'let sliceStart = slice *', replace: 'let sliceStart = 0u *' },
  ],
  [
    'vectors of weights are a row apart',
    '2x2',
    'output',
    { find: '+ row) * params.depths + depth', replace: '+ row) * 4u + depth' },
  ],
  // This case's whole output is one tile. With more tiles, workgroups would race to write the wrong or the right value.
  [
    'channels beyond the last are written',
    'kernel as large as the input',
    'output',
    { find: /if \(real & \(row < rows\)\) \{(\s+let place)/g, replace: 'if (real) {$1' },
  ],
];

const WINOGRAD: Planted[] = [
  ...['output', 'inputGrad'].map(
    (wrong): Planted => ['a term of the products is left out', '3x3', wrong, { find: ' + term1 * b1.x', replace: '' }],
  ),
  ['a term of the products is left out', '3x3', 'weightGrad', { find: ' + term1 * b0.y', replace: '' }],
  ...['output', 'inputGrad', 'weightGrad'].map(
    (wrong): Planted => [
      'the padding right of the picture is not zero',
      '3x3',
      wrong,
      { find: 'firstColumn + 3u < params.width', replace: 'true' },
    ],
  ),
  [
    'the padding above the picture is not zero',
    '3x3, many tiles',
    'inputGrad',
    { find: 'real && firstRow + 0u < params.height', replace: 'real' },
  ],
  [
    'padding is on the wrong side (width)',
    '3x3, many tiles',
    'output',
    { find: ' - params.columnPadding;', replace: ' + params.columnPadding;' },
  ],
  [
    'padding is on the wrong side (height)',
    '3x3, many channels',
    'weightGrad',
    { find: ' - params.rowPadding;', replace: ';' },
  ],
  ['a tap is left out', '3x3', 'output', { find: 'weight[start0 + 7u]', replace: '0.0' }],
  ['a kernel is not rotated by 180°', '3x3', 'inputGrad', { find: 'array(5u, 3u', replace: 'array(0u, 3u' }],
  [
    'a gradient below the picture is not zero',
    '3x3',
    'weightGrad',
    { find: 'real0 && firstRow + 1u < params.height', replace: 'real0' },
  ],
  [
    'a point gets the distances of another',
    '3x3',
    'weightGrad',
    { find: '(AT_B * B) * d[3]', replace: '(AT_A * B) * d[3]' },
  ],
  [
    'a point is mistaken for another',
    '3x3',
    'output',
    { find: 'AA * evenA + BB * evenB', replace: 'BB * evenA + BB * evenB' },
  ],
  [
    'a point of small tiles is mistaken for another',
    '3x3, many channels',
    'output',
    { find: '(m[1] - m[2]) + m[3]', replace: '(m[1] + m[2]) + m[3]' },
  ],
  [
    'the last image takes the tiles of the one before',
    '3x3',
    'output',
    { find: 'let image = tile / (params.tileColumns * params.tileRows);', replace: 'let image = 0u;' },
  ],
];

const VARIANTS: readonly [name: Conv2dVariant, traits: Partial<AdapterTraits>, planted: readonly Planted[]][] = [
  ['reference', {}, REFERENCE],
  ['rows', { kind: 'cpu' }, [...SHARED, ...ROWS, ...ROWS_GROUPS]],
  ['tiled', { kind: 'gpu' }, [...SHARED, ...TILED, ...TILED_GROUPS]],
  ['winograd', { kind: 'cpu' }, WINOGRAD],
  ['depthwise', { kind: 'cpu' }, DEPTHWISE],
];

const caseNamed = (name: string) => [...conv2dCases, ...conv2dGroupCases].find((one) => one.name === name)!;

/** Small cases in which wrong gradients must be seen. */
const SMALL: Partial<Record<Conv2dVariant, string>> = {
  winograd: 'kernel as large as the input',
  depthwise: 'depthwise 3x3',
};

/** The case reduced to one of its values, so that no other kernels are compiled. */
function only(one: Case, wrong: string): Case {
  const { seed, ...rest } = one;
  const inputs = Object.fromEntries(
    Object.entries(one.inputs).map(([name, stored]) => [name, { ...stored, grad: `${name}Grad` === wrong }]),
  );
  const expected = { [wrong]: one.expected[wrong]! };
  return { ...rest, inputs, expected, ...(wrong === 'output' ? {} : { seed: seed! }) };
}

describe.each(VARIANTS)('%s', (variant, traits, planted) => {
  const slack = variant === 'winograd' ? WINOGRAD_SLACK : 1;
  const small = caseNamed(SMALL[variant] ?? '2x2');

  beforeAll(() => forceConv2dVariant(variant));
  afterAll(() => forceConv2dVariant(undefined));

  for (const [what, name, wrong, edit] of planted) {
    seesPlanted(gpuTest, { what: `${what}, in ${name}`, wrong, edit, traits }, (tampered) =>
      differences(tampered, only(caseNamed(name), wrong), RUNS.conv2d, slack),
    );
  }

  seesWrongGradients(gpuTest, () => openAs(traits), small, slack);
  findsWrongGradients(gpuTest, async () => {
    const gpu = await openAs(traits);
    const leaves = Object.values(small.inputs).map(({ values, shape }) => {
      const tensor = Tensor.from(gpu, values, shape) as Tensor;
      tensor.requiresGrad = true;
      return tensor;
    });
    return { leaves, fn: (input, weight, bias) => conv2d(input!, weight!, bias, small.options) };
  });
});

/** Errors planted in the plain convolution, for planted.test.ts. */
import type { ShaderEdit } from '../../support/gpu.ts';

/** An error, with the golden case and its value that must show it. */
export type Planted = readonly [what: string, caseName: string, wrong: string, edit: ShaderEdit];

export const REFERENCE: readonly Planted[] = [
  [
    'a tap is left out',
    '3x3',
    'output',
    { find: 'tapColumn < params.kernelWidth', replace: 'tapColumn + 1u < params.kernelWidth' },
  ],
  [
    'a tap is left out',
    '3x3',
    'inputGrad',
    { find: 'tapRow < params.kernelHeight', replace: 'tapRow + 1u < params.kernelHeight' },
  ],
  [
    'a pixel is left out',
    '3x3',
    'weightGrad',
    { find: 'outColumn < params.outWidth', replace: 'outColumn + 1u < params.outWidth' },
  ],
  ...(['output', 'weightGrad'] as const).flatMap((wrong) =>
    ['Height', 'Width'].map(
      (axis): Planted => [
        `padding is on the wrong side (${axis.toLowerCase()})`,
        '1x1 in wide padding',
        wrong,
        { find: ` - i32(params.padding${axis});`, replace: ';' },
      ],
    ),
  ),
  ...['Height', 'Width'].map(
    (axis): Planted => [
      `padding is forgotten (${axis.toLowerCase()})`,
      '1x1 in wide padding',
      'inputGrad',
      { find: ` + params.padding${axis})`, replace: ')' },
    ],
  ),
  ['the padding is not 0', '3x3', 'output', { find: 'column < 0 ||', replace: '' }],
  ['the padding is not 0', '3x3', 'weightGrad', { find: 'row >= i32(params.inHeight) ||', replace: '' }],
  [
    'a pixel between two outputs takes a gradient',
    '3x3 stride 2',
    'inputGrad',
    { find: 'u32(fromLeft) % params.strideWidth == 0u', replace: 'true' },
  ],
  [
    'the rows of the input are reversed',
    '2x2',
    'inputGrad',
    { find: '(inRow + params', replace: '(params.inHeight - 1u - inRow + params' },
  ],
  [
    'the stride is forgotten',
    '3x3 stride 2 and 1',
    'weightGrad',
    { find: 'outRow * params.strideHeight', replace: 'outRow' },
  ],
  [
    'the last image is left out',
    '3x3',
    'weightGrad',
    { find: 'image < params.batch', replace: 'image + 1u < params.batch' },
  ],
];

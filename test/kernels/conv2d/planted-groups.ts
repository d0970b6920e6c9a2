/** Errors planted in convolutions with groups and dilation, for planted.test.ts. */
import type { Planted } from './planted-reference.ts';

const planted = (what: string, caseName: string, wrong: string, find: string | RegExp, replace: string): Planted => [
  what,
  caseName,
  wrong,
  { find, replace },
];

export const TILED_GROUPS: readonly Planted[] = [
  planted(
    'a group reads the first channels',
    'groups',
    'output',
    'groupOfChannels) * params.channels)',
    '0u) * params.channels)',
  ),
  planted(
    'a group takes the weights of the first',
    'groups',
    'output',
    '(groupOfChannels * rows + row) * params.depths',
    '(row) * params.depths',
  ),
  planted(
    'a group reads the first gradients',
    'groups',
    'inputGrad',
    'groupOfChannels) * params.channels)',
    '0u) * params.channels)',
  ),
  planted(
    'a group turns the weights of the first',
    'groups',
    'inputGrad',
    'params.outChannels / params.inChannels * params.outChannels +',
    'params.outChannels / params.inChannels * 0u +',
  ),
  planted(
    'a group reads the first channels',
    'groups',
    'weightGrad',
    'groupOfChannels) * params.inChannels)',
    '0u) * params.inChannels)',
  ),
  planted(
    'a group reads the first gradients',
    'groups',
    'weightGrad',
    'groupOfChannels) * rows + row) * plane',
    '0u) * rows + row) * plane',
  ),
  ...['output', 'inputGrad', 'weightGrad'].flatMap((wrong) =>
    ['Height', 'Width'].map((axis) =>
      planted(
        'taps are neighbours',
        'dilation',
        wrong,
        new RegExp(`(tapRow|tapColumn|TAP_COLUMNS|TAPS|KERNEL_WIDTH) \\* params\\.dilation${axis}`, 'g'),
        '$1',
      ),
    ),
  ),
  planted(
    'taps of a phase are a stride apart',
    'depthwise dilation 3, stride 2',
    'inputGrad',
    'row * params.rowStep',
    'row',
  ),
];

export const ROWS_GROUPS: readonly Planted[] = [
  ...['output', 'inputGrad'].flatMap((wrong) => [
    planted(
      'a group reads the first channels',
      'groups',
      wrong,
      'groupOfChannels) * params.channels',
      '0u) * params.channels',
    ),
    planted('a group takes the weights of the first', 'groups', wrong, 'groupOfChannels * params.groupStride', '0u'),
    planted('a row of taps is the next row', 'dilation', wrong, 'inRow += 2', 'inRow += 1'),
  ]),
  planted(
    'a tile is taken for the first of its group',
    'groups of more channels than a tile',
    'output',
    'group.y % params.groupTiles *',
    '0u *',
  ),
  planted('a tap is its neighbour', 'dilation', 'output', /a1 \* x2/, 'a1 * x1'),
  planted('a group reads the first channels', 'groups', 'weightGrad', /groupOfChannels \* inChannels/g, '0u'),
  planted(
    'a group reads the first gradients',
    'groups',
    'weightGrad',
    /(let ownChannel\d+ =) groupOfChannels \* outChannels/g,
    '$1 0u',
  ),
  planted(
    'a row of taps is the next row',
    'dilation',
    'weightGrad',
    /% params\.kernelHeight \* 2u/g,
    '% params.kernelHeight',
  ),
];

export const DEPTHWISE: readonly Planted[] = [
  ...(['output', 'inputGrad'] as const).flatMap((wrong) => [
    planted('a tap is left out', 'depthwise 3x3', wrong, / \+ w1_2 \* x1_\d+/g, ''),
    planted('the rows above are not loaded', 'depthwise 3x3', wrong, 'i < 2;', 'i < 1;'),
    planted('the window does not move', 'depthwise 3x3', wrong, /x0_1 = x1_1;/g, ''),
    planted('the row below the picture is not zero', 'depthwise 3x3', wrong, /u32\(row2\) < params\.inHeight/g, 'true'),
    planted(
      'the column left of the picture is not zero',
      'depthwise 3x3',
      wrong,
      'let inside0 = u32(inColumn0 + 0) < params.inWidth',
      'let inside0 = true',
    ),
    planted(
      'rows of taps are neighbours',
      'depthwise dilation 2',
      wrong,
      'let dilation = i32(params.dilationHeight)',
      'let dilation = 1',
    ),
    planted('walks do not take turns', 'depthwise dilation 2', wrong, 'line % params.rowStep', '0u'),
    planted('a channel takes the kernel of the first', 'depthwise 5x5', wrong, 'kernel * params.kernelSize', '0u'),
  ]),
  planted(
    'a channel reads the input of the next',
    'depthwise 3x3 of two outputs each',
    'output',
    'kernel / params.resultChannels',
    'kernel',
  ),
  planted(
    'the last kernel of a channel does not count',
    'depthwise 3x3 of two outputs each',
    'inputGrad',
    'output[place] + ',
    'output[place] + 0.0 * ',
  ),
  planted(
    'a kernel is not rotated by 180°',
    'depthwise 7x7',
    'inputGrad',
    /(weight\[weight0) \+ (\d) \* params/g,
    '$1 + (6 - $2) * params',
  ),
  planted(
    'a phase starts a row too late',
    'depthwise 5x5 stride 2',
    'inputGrad',
    '+ params.outOffsetHeight',
    '+ params.outStepHeight - 1u',
  ),
  planted(
    'a tap of vectors is its neighbour',
    'depthwise 3x3, rows of whole vectors',
    'output',
    /w0_1 \* x0_4/g,
    'w0_1 * x0_5',
  ),
  planted('a tap is left out', 'depthwise 3x3', 'weightGrad', / \+ g1 \* x1_\d+/g, ''),
  planted(
    'columns beyond the row count',
    'depthwise 3x3',
    'weightGrad',
    /(let v\d+ = select\(f32\(\), .*), inside\d+Grad\);/g,
    '$1, true);',
  ),
  planted(
    'the last walk is left out',
    'depthwise 3x3, many rows',
    'weightGrad',
    'walk < params.walks',
    'walk + 1u < params.walks',
  ),
  planted(
    'an image takes the input of another',
    'depthwise 3x3',
    'weightGrad',
    '(image * params.inChannels + inChannel)',
    '(inChannel)',
  ),
  planted(
    'rows of taps are neighbours',
    'depthwise dilation 2',
    'weightGrad',
    'let dilation = i32(params.dilationHeight)',
    'let dilation = 1',
  ),
  planted(
    'the stride is forgotten',
    'depthwise 5x5 stride 2',
    'weightGrad',
    'inRow += i32(params.rowStep * params.strideHeight)',
    'inRow += i32(params.rowStep)',
  ),
  planted(
    'a channel reads the input of another',
    'depthwise 3x3 of two outputs each',
    'weightGrad',
    'channel / (params.outChannels / params.inChannels)',
    'channel % params.inChannels',
  ),
  planted(
    'a slice is left out',
    'depthwise 3x3, many rows',
    'weightGrad',
    'slice < params.slices',
    'slice + 1u < params.slices',
  ),
];

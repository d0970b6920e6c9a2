/** Every export of the package has a docstring, and so has every public method and accessor. */
import { expect, test } from 'vitest';
import { exportsOf } from '../../scripts/api/exports.ts';
import { ENTRIES } from '../../scripts/api/report.ts';

const FILES = ENTRIES.map(({ file }) => `src/${file}.ts` as const);
const exported = exportsOf([...FILES, 'test/package/undocumented.ts']);

test.each([
  ['src/index.ts', ['Tensor', 'train', 'defineKernel', 'openPredictor', 'Batch']],
  ['src/engine.ts', ['Tensor', 'openGpu', 'defineKernel', 'SGD', 'resnet18', 'OpRecord']],
  ['src/data.ts', ['DataLoader', 'ImageFolder']],
] as const)('the exports of %s include values and types', (file, some) => {
  expect(exported[file].names).toEqual(expect.arrayContaining([...some]));
});

test.each(FILES)('every export, public method and accessor of %s has a docstring', (file) => {
  expect(exported[file].undocumented).toEqual([]);
});

test('missing docstrings are found on exports and public members, but not on private or inherited members', () => {
  expect(exported['test/package/undocumented.ts'].undocumented).toEqual([
    'Bare',
    'Bare.make',
    'Bare.method',
    'Bare.value',
    'BareInterface',
    'BareInterface.method',
    'BareType',
    'bareConstant',
    'bareFunction',
  ]);
});

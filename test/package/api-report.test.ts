/**
 * The package exports the names that the reports in docs/api state, and nothing internal. `npm run api -- --check`
 * compares the signatures; it needs the packages of tools/, while names need none.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { exportsOf, internalNames } from '../../scripts/api/exports.ts';
import {
  type Declaration,
  ENTRIES,
  type Entry,
  firstDifference,
  MOST_NAMES,
  namesOf,
  readReport,
  writeReports,
} from '../../scripts/api/report.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const FILES = ENTRIES.map(({ file }) => `src/${file}.ts` as const);
const exported = exportsOf(FILES);

describe('this package', () => {
  test('has the entries that package.json names', () => {
    const { exports } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
    const files = JSON.stringify(exports).matchAll(/dist\/([\w-]+)\.js/g);
    expect([...new Set(Array.from(files, ([, file]) => file))].sort()).toEqual(ENTRIES.map(({ file }) => file).sort());
  });

  test.each(ENTRIES)(
    '$name exports the names of its report; if not: `npm run api`, and commit docs/api',
    ({ file }) => {
      expect(exported[`src/${file}.ts`].names).toEqual(namesOf(readReport(root, file)));
    },
  );

  test(`the root has at most ${MOST_NAMES} names, types included`, () => {
    expect(exported['src/index.ts'].names.length).toBeLessThanOrEqual(MOST_NAMES);
  });

  test('another entry has every name of the root', () => {
    const others = new Set(FILES.filter((file) => file !== 'src/index.ts').flatMap((file) => exported[file].names));
    expect(exported['src/index.ts'].names.filter((name) => !others.has(name))).toEqual([]);
  });

  test.each(FILES)('%s exports nothing internal', (file) => {
    expect(internalNames(exported[file])).toEqual([]);
  });
});

test('names of internal folders are found', () => {
  const declaredIn = new Map([
    ['Tensor', 'src/autograd/tensor.ts'],
    ['BufferPool', 'src/gpu/pool.ts'],
    ['main', 'src/cli/main.ts'],
    ['fetchFile', 'src/fetch/fetch.ts'],
    ['describePlan', 'src/driver/plan.mjs'],
  ]);
  expect(internalNames({ declaredIn })).toEqual([
    'BufferPool of src/gpu/pool.ts',
    'main of src/cli/main.ts',
    'fetchFile of src/fetch/fetch.ts',
    'describePlan of src/driver/plan.mjs',
  ]);
  // The real exports lead to their file, through any number of re-exports.
  expect(exported['src/index.ts'].declaredIn.get('Tensor')).toBe('src/autograd/tensor.ts');
  expect(exported['src/index.ts'].declaredIn.get('openGpu')).toBe('src/gpu/dawn.ts');
  expect([...exported['src/index.ts'].declaredIn.values()].filter((path) => !/^src\/\S+\.ts$/.test(path))).toEqual([]);
});

describe('a report', () => {
  const relu = { name: 'relu', exported: true, text: 'export function relu(x: Tensor): Tensor;' };
  const tensor = { name: 'Tensor', exported: true, text: 'export class Tensor {\n    readonly shape: Shape;\n}' };
  const reached = { name: 'Tensor', exported: false, text: 'class Tensor {\n    readonly shape: Shape;\n}' };
  const shape = { name: 'Shape', exported: false, text: 'type Shape = readonly number[];' };
  const none = { 'engine-node': [], data: [], weights: [], train: [], predict: [], onnx: [], index: [] };
  const reportsOf = (some: Partial<Record<Entry, Declaration[]>>) => writeReports({ engine: [], ...none, ...some });
  const reports = reportsOf({ engine: [tensor, relu, shape], predict: [reached], index: [relu, tensor, shape] });

  test('lists every exported name, with its signature or another report, and no name that is only reached', () => {
    expect(namesOf(reports.get('engine')!)).toEqual(['Tensor', 'relu']);
    expect(namesOf(reports.get('index')!)).toEqual(['Tensor', 'relu']);
    expect(namesOf(reports.get('predict')!)).toEqual([]);
  });

  test('has each signature once', () => {
    for (const signature of [relu.text, shape.text, 'readonly shape']) {
      expect([...reports].filter(([, text]) => text.includes(signature)).map(([entry]) => entry)).toEqual(['engine']);
    }
    expect(reports.get('predict')).toContain('- `Tensor`: [engine.api.md](engine.api.md)');
    // A type that is only reached does not stand in for an exported one.
    expect(reportsOf({ engine: [reached], index: [tensor] }).get('index')).toContain(tensor.text);
  });

  test('that differs gives a message with the line', () => {
    const text = reports.get('engine')!;
    expect(firstDifference('engine', text, text)).toBeUndefined();
    expect(firstDifference('engine', text.replace('relu(x', 'relu(input'), text)).toBe(
      'docs/api/engine.api.md:12: the report has "export function relu(input: Tensor): Tensor;", ' +
        'the code gives "export function relu(x: Tensor): Tensor;"',
    );
    expect(firstDifference('engine', `${text}more\n`, text)).toMatch(/the report has "more", the code gives ""$/);
    expect(firstDifference('engine', '', text)).toContain('docs/api/engine.api.md:1: the report has ""');
  });

  test('without its section of exports is an error', () => {
    expect(() => namesOf('')).toThrow('Run `npm run api`');
  });
});

/** Which pictures are alike, how they are divided, and what lists and folders mean. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cellsOf, lookAlike, SIGNATURE_BYTES, signatureOf } from '../../src/data/catalogue/signature.ts';
import {
  DecoderPool,
  decode,
  findAlike,
  findLayout,
  type PictureFacts,
  splitPictures,
  surveyPictures,
} from '../../src/data/index.ts';
import { FileError } from '../../src/errors.ts';
import { drawBlobs } from '../support/messy-data.ts';
import { dataTest } from './support.ts';

const root = mkdtempSync(join(tmpdir(), 'dawngrad-catalogue-'));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;

/** Writes files into a new folder: name and content. */
function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = join(root, String(folders++));
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

async function signature(picture: Awaited<ReturnType<typeof drawBlobs>>) {
  const { data, info } = await picture.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const cells = new Uint8Array(SIGNATURE_BYTES);
  cellsOf({ width: info.width, height: info.height, pixels: data }, cells);
  return signatureOf(cells);
}

describe('pictures look alike', () => {
  const SEED = 1;
  const copies: Record<string, (picture: Awaited<ReturnType<typeof drawBlobs>>) => typeof picture> = {
    'half the size': (picture) => picture.resize(120, 90),
    brighter: (picture) => picture.modulate({ brightness: 1.1 }),
    darker: (picture) => picture.linear(0.9, 0),
    blurred: (picture) => picture.blur(2),
    'a little cropped': (picture) => picture.extract({ left: 3, top: 2, width: 234, height: 176 }),
  };
  for (const [name, change] of Object.entries(copies)) {
    test(name, async () => {
      const original = await signature(await drawBlobs(SEED, 240, 180));
      const copy = await signature(change(await drawBlobs(SEED, 240, 180)));
      expect(lookAlike(original, copy)).toBe(true);
    });
  }

  test('a JPEG of low quality', async () => {
    const path = join(root, 'low.jpg');
    writeFileSync(path, await (await drawBlobs(SEED, 240, 180)).jpeg({ quality: 20 }).toBuffer());
    const cells = new Uint8Array(SIGNATURE_BYTES);
    cellsOf(await decode(path), cells);
    expect(lookAlike(signatureOf(cells), await signature(await drawBlobs(SEED, 240, 180)))).toBe(true);
  });

  test('others do not, nor do flat pictures of different colours', async () => {
    const all = await Promise.all(Array.from({ length: 60 }, async (_, seed) => signature(await drawBlobs(seed))));
    const pairs = all.flatMap((a, i) => all.slice(0, i).map((b) => lookAlike(a, b)));
    expect(pairs.filter(Boolean)).toEqual([]);
    const flat = (colour: number[]) =>
      signatureOf(Uint8Array.from({ length: SIGNATURE_BYTES }, (_, i) => colour[i % 3]!));
    expect(lookAlike(flat([200, 30, 30]), flat([200, 30, 31]))).toBe(true);
    expect(lookAlike(flat([200, 30, 30]), flat([30, 117, 30]))).toBe(false);
  });

  dataTest('none of the tutorial’s photographs do', async (data) => {
    const { train, val } = await findLayout(data);
    const pool = new DecoderPool(2);
    const { facts, broken } = await surveyPictures(pool, [...train.samples, ...val!.samples]);
    await pool.close();
    expect(broken).toEqual([]);
    expect(findAlike(facts)).toEqual([]);
  });
});

test('groups are the same files, and all that look like one of them', () => {
  const facts = (sha256: string, level: number): PictureFacts => ({
    ...{ width: 9, height: 9, format: 'png', isTurned: false, sha256 },
    signature: signatureOf(new Uint8Array(SIGNATURE_BYTES).fill(level)),
  });
  const all = [
    facts('a', 10),
    facts('b', 90),
    undefined,
    facts('a', 10),
    facts('c', 91),
    facts('d', 92),
    facts('e', 200),
  ];
  expect(findAlike(all)).toEqual([
    { indices: [0, 3], isExact: true },
    { indices: [1, 4, 5], isExact: false },
  ]);
  // Of too many, only equal files are found.
  expect(findAlike(all, 3)).toEqual([{ indices: [0, 3], isExact: true }]);
});

describe('splitPictures', () => {
  const classes = ['a', 'b'];
  const names = [
    ...Array.from({ length: 20 }, (_, i) => `a/${i}.png`),
    ...Array.from({ length: 5 }, (_, i) => `b/${i}.png`),
  ];
  const labels = names.map((name) => classes.indexOf(name[0]!));
  const request = { root: 'data', classes, names, labels, alike: [], fraction: 0.2, seed: 0 };
  const valOf = (isVal: readonly boolean[], of = names) => of.filter((_, i) => isVal[i]).sort();

  test('takes its share of each class, the same for the same seed, another for another', () => {
    const val = valOf(splitPictures(request).isVal);
    expect(val.filter((name) => name.startsWith('a'))).toHaveLength(4);
    expect(val.filter((name) => name.startsWith('b'))).toHaveLength(1);
    expect(valOf(splitPictures(request).isVal)).toEqual(val);
    expect(valOf(splitPictures({ ...request, seed: 1 }).isVal)).not.toEqual(val);
  });

  test('does not depend on the order, and a new picture moves few others', () => {
    const val = valOf(splitPictures(request).isVal);
    const order = names.map((_, i) => (i * 7) % names.length);
    const shuffled = order.map((i) => names[i]!);
    const again = splitPictures({ ...request, names: shuffled, labels: order.map((i) => labels[i]!) });
    expect(valOf(again.isVal, shuffled)).toEqual(val);
    const more = [...names, 'a/new.png'];
    const grown = valOf(splitPictures({ ...request, names: more, labels: [...labels, 0] }).isVal, more);
    expect(val.filter((name) => !grown.includes(name)).length).toBeLessThanOrEqual(1);
  });

  test('keeps what is alike on one side, also across classes', () => {
    const alike = [
      { indices: [0, 1, 2, 20], isExact: true },
      { indices: [3, 4], isExact: false },
    ];
    for (let seed = 0; seed < 20; seed++) {
      const { isVal, torn } = splitPictures({ ...request, alike, seed });
      for (const { indices } of alike) expect(new Set(indices.map((i) => isVal[i])).size).toBe(1);
      expect(torn).toEqual([]);
      const counts = classes.map((_, label) => labels.filter((one, i) => one === label && isVal[i]).length);
      expect(Math.min(...counts)).toBeGreaterThan(0);
      expect(counts[1]).toBeLessThan(5);
    }
  });

  test('a class of one group is divided all the same, and named; one of a single picture is an error', () => {
    const alike = [{ indices: [20, 21, 22, 23, 24], isExact: false }];
    const { isVal, torn } = splitPictures({ ...request, alike });
    expect(torn).toEqual(['b']);
    expect(isVal.slice(20).filter(Boolean)).toHaveLength(1);
    const single = { ...request, names: names.slice(0, 21), labels: labels.slice(0, 21) };
    expect(() => splitPictures(single)).toThrow(/two or more pictures of each class.*found 1 of b/);
  });
});

const PICTURES = { 'x/1.png': 'p', 'x/2.png': 'p', 'y/1.png': 'p', 'y/2.png': 'p' };

describe('lists', () => {
  const layoutOf = (name: string, text: string) => findLayout(join(folderWith({ ...PICTURES, [name]: text }), name));
  const short = ({
    samples,
    root: base,
    classes,
  }: {
    samples: readonly { path: string; label: number }[];
    root: string;
    classes: readonly string[];
  }) => samples.map(({ path, label }) => `${path.slice(base.length + 1)} ${classes[label]}`);

  test.each([
    ['a.csv', 'path,label\nx/2.png,one\ny/1.png,two\nx/1.png,one\n'],
    ['b.csv', '\ufefflabel;path\r\ntwo;y/1.png\r\none;x/1.png\r\none;"x/2.png"\r\n'],
    ['c.tsv', 'y/1.png\ttwo\nx/1.png\tone\nx/2.png\tone'],
    [
      'd.jsonl',
      '{"path":"y/1.png","label":"two"}\n\n{"path":"x/2.png","label":"one"}\n{"path":"x/1.png","label":"one"}',
    ],
  ])('%s: sorted by class and path', async (name, text) => {
    const { kind, train, val } = await layoutOf(name, text);
    expect(kind).toBe('list');
    expect(val).toBeUndefined();
    expect(short(train)).toEqual(['x/1.png one', 'x/2.png one', 'y/1.png two']);
  });

  test('that divide their pictures', async () => {
    const lines = ['x/1.png,one,train', 'y/1.png,two,Train', 'x/2.png,one,valid', 'y/2.png,two,validation'];
    const { train, val, test: last } = await layoutOf('a.csv', `path,label,split\n${lines.join('\n')}\n`);
    expect(short(train)).toEqual(['x/1.png one', 'y/1.png two']);
    expect(short(val!)).toEqual(['x/2.png one', 'y/2.png two']);
    expect(last).toBeUndefined();
  });

  test.each([
    ['', 'expected a line for each picture, found none'],
    ['path,label\nx/1.png\n', 'line 2: expected path, label, found 1 value\\.'],
    ['path,label\nx/1.png,\n', 'line 2: expected the class of x/1.png, found none'],
    ['path,label\nx/1.png,one\ny/1.png,two\nx/1.png,two\n', 'line 4: the picture .* is also in line 2'],
    [
      'path,label\nx/1.png,one\nno/such.png,two\n',
      '1 of its 2 pictures is missing: no/such.png\\. .* or remove this line\\.$',
    ],
    [
      'file,class\nx/1.png,one\ny/1.png,two\n',
      'missing: file\\. .* if it is the header, it must be path,label or path,label,split',
    ],
    ['path,label,label\nx/1.png,one,two\n', 'line 1: expected each column once, found "label" twice'],
    ['path,label\nx/1.png,one "big"\n', 'line 2: found a quotation mark inside a cell'],
    ['path,label,split\nx/1.png,one,train\ny/1.png,two,train\nx/2.png,one,val\n', 'two only in train\\. '],
    [
      'path,label,split\nx/1.png,one,train\ny/1.png,two,train\nx/2.png,one,test\ny/2.png,more,test\n',
      'train and test .* more only in test\\. ',
    ],
    [`path,label\nx/1.png,${'long'.repeat(1e4)}\n`, 'found only .{100}…\\. Add pictures of another label to the list'],
    ['path,label\nx/1.png,caf\u00e9\ny/1.png,cafe\u0301\n', 'found "caf\u00e9" twice'],
    [
      'path,label,split\nx/1.png,one,train\ny/1.png,two,dev\n',
      'line 3: expected a split of train, val, test, found "dev"',
    ],
    ['path,label,split\nx/1.png,one,train\ny/1.png,two\n', 'line 3: expected a split, as other lines have one'],
    ['path,label\nx/1.png,"one\n', 'line 2: found a quotation mark that is not closed'],
    ['path,label\nx/1.png,one\n', 'expected two or more classes, found only one'],
  ])('%j is an error: %s', async (text, message) => {
    await expect(layoutOf('a.csv', text)).rejects.toThrow(FileError);
    await expect(layoutOf('a.csv', text)).rejects.toThrow(new RegExp(message));
  });

  test.each([
    ['{"path": 1', 'line 1: expected {"path": …, "label": …}, found'],
    ['[]', 'line 1: expected {"path": …, "label": …}, found'],
    ['{"path": {}, "label": "a"}', 'line 1: expected a text as path'],
    ['{"__proto__": {"path": "x/1.png"}, "label": "a"}', 'line 1: expected the path of a picture'],
  ])('%s is an error', async (text, message) => {
    await expect(layoutOf('a.jsonl', text)).rejects.toThrow(message);
  });
});

describe('folders', () => {
  const parts = (...names: string[]) =>
    folderWith(
      Object.fromEntries(names.flatMap((name) => Object.keys(PICTURES).map((file) => [`${name}/${file}`, 'p']))),
    );

  test.each([
    [['train', 'val'], 'val', undefined],
    [['train', 'valid'], 'valid', undefined],
    [['Train', 'Validation', 'test'], 'Validation', 'test'],
  ])('%j', async (names, val, last) => {
    const root = parts(...names);
    const layout = await findLayout(root);
    expect([layout.kind, layout.valIsTest]).toEqual(['folders', false]);
    expect(layout.val?.root).toBe(join(root, val));
    expect(layout.test?.root).toBe(last && join(root, last));
  });

  test('test/ is val where there is no other', async () => {
    const { val, test: last, valIsTest } = await findLayout(parts('train', 'test'));
    expect([val?.length, last, valIsTest]).toEqual([4, undefined, true]);
  });

  test.each([
    ['pictures', { 'test/1.png': 'p' }],
    ['nothing', { 'test/notes.txt': '' }],
  ])('a test/ with %s and no class folder is told and left out', async (_, files) => {
    const base = Object.fromEntries(
      ['train', 'val'].flatMap((name) => Object.keys(PICTURES).map((file) => [`${name}/${file}`, 'p'])),
    );
    const folder = folderWith({ ...base, ...files });
    const { train, test: last } = await findLayout(folder);
    expect(last).toBeUndefined();
    expect(train.notRead).toEqual([{ path: join(folder, 'test'), kind: 'unlabelled' }]);
  });

  test('class folders alone, and train/ alone, are to be divided', async () => {
    const alone = await findLayout(folderWith(PICTURES));
    expect([alone.kind, alone.classes, alone.val]).toEqual(['classes', ['x', 'y'], undefined]);
    expect((await findLayout(parts('train'))).val).toBeUndefined();
  });

  test('a class of test that train has not is an error, one that test lacks is none', async () => {
    const base = Object.fromEntries(
      ['train', 'val'].flatMap((name) => Object.keys(PICTURES).map((file) => [`${name}/${file}`, 'p'])),
    );
    const { test: last } = await findLayout(folderWith({ ...base, 'test/y/1.png': 'p' }));
    expect(last?.samples.map(({ label }) => label)).toEqual([1]);
    await expect(findLayout(folderWith({ ...base, 'test/z/1.png': 'p' }))).rejects.toThrow(
      /classes z are in test but not/,
    );
  });

  test.each([
    [{ 'val/x/1.png': 'p' }, /found val\/ but no train\//],
    [{ 'train/x/1.png': 'p', 'val/x/1.png': 'p', 'valid/x/1.png': 'p' }, /both val and valid, which mean the same/],
    [
      { 'deep/x/1.png': 'p', 'deep/y/1.png': 'p' },
      /found only deep, which holds folders itself\. Is it .*deep that you mean/,
    ],
    [
      { 'train/1.png': 'p', 'bus/1.png': 'p' },
      /no folder\. Arrange .*or, if train is a class itself, give this folder/,
    ],
    [{ 'caf\u00e9/1.png': 'p', 'cafe\u0301/1.png': 'p' }, /found "caf\u00e9" twice: their letters are equal/],
    [{ '1.png': 'p' }, /expected one folder of pictures per class, found no folder/],
    [{ 'x/1.png': 'p' }, /expected two or more classes, found only x/],
  ])('%j is an error', async (files, message) => {
    await expect(findLayout(folderWith(files as Record<string, string>))).rejects.toThrow(message);
  });

  test('what is not there, or is no list', async () => {
    await expect(findLayout(join(root, 'no-such'))).rejects.toThrow(
      /no-such: expected a folder of pictures, or a list .* but there is nothing/,
    );
    const folder = folderWith({ 'a.txt': 'x' });
    await expect(findLayout(join(folder, 'a.txt'))).rejects.toThrow(/found another file/);
  });

  test('files that are not read are told by kind', async () => {
    const { train } = await findLayout(
      folderWith({ ...PICTURES, 'x/a.GIF': '', 'x/b.svg': '', 'y/c.mov': '', 'y/d.txt': '', 'e.png': '' }),
    );
    expect(train.notRead.map(({ kind }) => kind).sort()).toEqual(['film', 'gif', 'loose', 'other', 'svg']);
  });
});

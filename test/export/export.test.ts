/** A network as files of other programs: read back to the same bits, loaded by torchvision, run by ONNX Runtime. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { entriesOf, exportOnnxFile, exportSafetensors, exportTorch, readExportable } from '../../src/export/index.ts';
import { classifier } from '../../src/models/registry.ts';
import { decodeOnnx } from '../../src/onnx/proto.ts';
import { openDryGpu } from '../../src/plan/index.ts';
import { openPredictor } from '../../src/predict/index.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { type Checkpoint, readCheckpoint, type TensorData, writeSafetensors } from '../../src/weights/index.ts';
import { withGpu } from '../support/gpu.ts';
import { hasOnnxruntime, NO_ONNXRUNTIME, runOnnx } from '../support/onnxruntime.ts';
import { findTorchPython, NO_TORCH } from '../support/python.ts';
import { PLAIN_GPU } from '../support/resnet18.ts';
import { skipUnless } from '../support/skip.ts';

const { gpu, gpuTest } = await withGpu();
const folder = mkdtempSync(join(tmpdir(), 'dawngrad-export-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const python = findTorchPython();
const torchTest = skipUnless(python, NO_TORCH);
const ortTest = hasOnnxruntime() ? gpuTest : skipUnless(false, NO_ONNXRUNTIME);

const SIDE = 64;
const CLASSES = ['ant "red"', '蜂'];

/** The weights of a run: the smallest network that there is, drawn. */
function writeRun(): string {
  const random = new Generator(1);
  const net = classifier(openDryGpu(PLAIN_GPU), 'mobilenet_v3_small', { init: 'skip', classes: CLASSES.length });
  const tensors = new Map<string, TensorData>();
  for (const [name, { shape, ...entry }] of net.stateDict()) {
    const count = shape.reduce((product, extent) => product * extent, 1);
    const [least, most] = name.endsWith('running_var') ? [0.5, 1.5] : [-0.1, 0.1];
    const counts = 'value' in entry;
    const data = counts ? Float32Array.of(17) : random.fillUniform(new Float32Array(count), least, most);
    tensors.set(name, { shape, data, dtype: counts ? 'I64' : 'F32' });
  }
  const path = join(folder, 'best.safetensors');
  const metadata = { architecture: 'mobilenet_v3_small', classes: JSON.stringify(CLASSES), imageSize: `${SIDE}` };
  writeSafetensors(path, { tensors, metadata: { ...metadata, valAcc: '0.75' } });
  return path;
}

const run = writeRun();
const exportable = await readExportable(run);
const plain = { half: false, overwrite: false };
const onnx = {
  ...plain,
  foldBatchNorm: false,
  preprocess: undefined,
  probabilities: false,
  adapter: undefined,
} as const;
const bits = ({ tensors }: Pick<Checkpoint, 'tensors'>) =>
  Object.fromEntries(
    [...tensors].map(([name, { dtype, shape, bytes }]) => [
      name,
      [dtype, shape, createHash('sha256').update(bytes!).digest('hex')],
    ]),
  );

test('a .pth and safetensors hold the entries to the bit, in the order of torchvision’s module', async () => {
  const [pth, safetensors] = [join(folder, 'net.pth'), join(folder, 'net.safetensors')];
  expect(exportTorch(exportable, { ...plain, out: pth }).map(({ path }) => path)).toEqual([pth, `${pth}.json`]);
  exportSafetensors(exportable, { ...plain, out: safetensors });
  const source = bits(readCheckpoint(run));
  expect(bits(readCheckpoint(pth))).toEqual(source);
  expect(bits(readCheckpoint(safetensors))).toEqual(source);
  expect([...readCheckpoint(pth).tensors.keys()].slice(0, 3)).toEqual([
    'features.0.0.weight',
    'features.0.1.weight',
    'features.0.1.bias',
  ]);
  expect(readCheckpoint(safetensors).metadata).toMatchObject({
    format: 'pt',
    classes: JSON.stringify(CLASSES),
    valAcc: '0.75',
  });
  // It can be exported again, and is the same network.
  const again = await readExportable(safetensors);
  expect([again.architecture, again.classes, again.input]).toEqual(['mobilenet_v3_small', CLASSES, exportable.input]);
});

test('the facts beside a .pth say classes and input', () => {
  const out = join(folder, 'facts.pth');
  exportTorch(exportable, { ...plain, out });
  expect(JSON.parse(readFileSync(`${out}.json`, 'utf8'))).toMatchObject({
    architecture: 'mobilenet_v3_small',
    classes: CLASSES,
    input: { crop: SIDE, resize: 73, interpolation: 'bilinear' },
  });
});

torchTest('torch loads a .pth with weights_only, strictly, by the two lines beside it', () => {
  const names = [false, true].map((half) => {
    const name = `strict "${half}".pth`;
    exportTorch(exportable, { ...plain, half, out: join(folder, name) });
    return name;
  });
  const script = `
import json, sys
for name in sys.argv[1:]:
    facts = json.load(open(name + '.json'))
    for line in facts['load']: exec(line)
    transform = eval(facts['transform'])
    state = torch.load(name, weights_only=True)
    entries = model.state_dict()
    print(json.dumps([
        type(state).__name__, len(state), list(state) == list(entries), str(state['features.0.0.weight'].dtype),
        entries['features.0.1.num_batches_tracked'].item(),
        sum(one.double().abs().sum().item() for one in model.parameters()),
    ]))`;
  const printed = execFileSync(python!, ['-c', script, ...names], { cwd: folder, encoding: 'utf8' });
  const found = printed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown[]);
  const sums = names.map((name) => {
    const learned = [...readCheckpoint(join(folder, name)).tensors].filter(([entry]) => !/running|tracked/.test(entry));
    return learned.reduce((sum, [, { data }]) => data.reduce((part, value) => part + Math.abs(value), sum), 0);
  });
  expect(found).toEqual([
    ['OrderedDict', 244, true, 'torch.float32', 17, expect.closeTo(sums[0]!, 1)],
    ['OrderedDict', 244, true, 'torch.float16', 17, expect.closeTo(sums[1]!, 1)],
  ]);
});

test('half precision rounds every float, and leaves counts', () => {
  const entries = entriesOf(exportable, true);
  const types = new Set(Array.from(entries, ([name, { dtype }]) => `${name.endsWith('tracked')} ${dtype}`));
  expect([...types].sort()).toEqual(['false F16', 'true I64']);
  const out = join(folder, 'half.safetensors');
  exportSafetensors(exportable, { ...plain, half: true, out });
  const weight = readCheckpoint(out).tensors.get('features.0.0.weight')!.data;
  const exact = exportable.checkpoint.tensors.get('features.0.0.weight')!.data;
  expect(weight.every((value, i) => Math.abs(value - exact[i]!) <= Math.abs(exact[i]!) * 2 ** -11 + 2 ** -25)).toBe(
    true,
  );
  expect(weight).not.toEqual(exact);
});

test('values beyond half precision are named', () => {
  const tensors = new Map(exportable.checkpoint.tensors);
  const bias = tensors.get('classifier.3.bias')!;
  tensors.set('classifier.3.bias', { shape: bias.shape, data: Float32Array.of(0, 1e5) });
  const huge = { ...exportable, checkpoint: { ...exportable.checkpoint, tensors } };
  expect(() => entriesOf(huge, true)).toThrow('classifier.3.bias holds 100000, beyond the 65504 of half precision');
});

ortTest('an ONNX file gives the scores of predict, from pixels too', async () => {
  const out = join(folder, 'net.onnx');
  const predictor = await openPredictor(run, { gpu });
  const random = new Generator(4);
  const side = exportable.input.resize;
  const picture = {
    width: side,
    height: side,
    pixels: Uint8Array.from({ length: 3 * side * side }, () => random.randint(256)),
  };
  let scores = new Float32Array(0);
  for await (const one of predictor.scores([picture])) if ('scores' in one) scores = Float32Array.from(one.scores);
  await predictor.close();
  expect(scores.length).toBe(CLASSES.length);
  await exportOnnxFile(exportable, { ...onnx, preprocess: 'u8', probabilities: true, out });
  const file = readFileSync(out);
  const outputs = await runOnnx(file, { shape: [1, 3, SIDE, SIDE], data: cropped(picture.pixels, side) });
  const found = outputs.get('scores')!.data as Float32Array;
  for (const [i, score] of scores.entries()) expect(Math.abs(score - found[i]!)).toBeLessThan(1e-4);
  expect([...outputs.keys()]).toEqual(['scores', 'probabilities']);
  const { graph, metadata } = await decodeOnnx(file, out);
  expect(graph.inputs[0]).toEqual({ name: 'images', type: 'u8', shape: ['batch', 3, SIDE, SIDE] });
  expect(JSON.parse(metadata.get('classes')!)).toEqual(CLASSES);
  expect(JSON.parse(metadata.get('input')!)).toEqual(exportable.input);
  expect(metadata.get('pixels')).toBe('0 to 255, RGB, resized and cropped before');
});

/** The centre of a square picture as [3, SIDE, SIDE]; torchvision rounds half a pixel to the even one. */
function cropped(pixels: Uint8Array, side: number): Uint8Array {
  const start = Math.round((side - SIDE) / 2 - 0.25);
  return Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, i) => {
    const [channel, y, x] = [Math.floor(i / SIDE ** 2), Math.floor(i / SIDE) % SIDE, i % SIDE];
    return pixels[3 * ((start + y) * side + start + x) + channel]!;
  });
}

test('no file is replaced unless that is allowed', async () => {
  const out = join(folder, 'taken.pth');
  writeFileSync(`${out}.json`, 'mine');
  expect(() => exportTorch(exportable, { ...plain, out })).toThrow(/taken\.pth\.json: exists already/);
  expect(existsSync(out)).toBe(false);
  await expect(exportOnnxFile(exportable, { ...onnx, out: run })).rejects.toThrow('--overwrite');
  exportTorch(exportable, { ...plain, out, overwrite: true });
  expect(readFileSync(`${out}.json`, 'utf8')).toContain('mobilenet_v3_small');
});

test('a checkpoint without an entry is refused before anything is written', () => {
  const tensors = new Map(exportable.checkpoint.tensors);
  tensors.delete('classifier.0.bias');
  const part = { ...exportable, checkpoint: { ...exportable.checkpoint, tensors } };
  expect(() => exportTorch(part, { ...plain, out: join(folder, 'part.pth') })).toThrow(/missing: classifier\.0\.bias/);
  expect(existsSync(join(folder, 'part.pth'))).toBe(false);
});

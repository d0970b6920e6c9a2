/** ONNX files become networks that train: against PyTorch, and graph by graph. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { backward, crossEntropy, noGrad, scope, Tensor } from '../../src/autograd/index.ts';
import { FileError } from '../../src/errors.ts';
import { gradCam } from '../../src/models/grad-cam.ts';
import { exportOnnx } from '../../src/onnx/export/export.ts';
import { graphOf } from '../../src/onnx/graph.ts';
import { importOnnx } from '../../src/onnx/import.ts';
import { readGraph, readOnnxNet } from '../../src/onnx/net.ts';
import { encodeOnnx, type OnnxModel } from '../../src/onnx/proto.ts';
import { SGD } from '../../src/optim/index.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { withGpu } from '../support/gpu.ts';
import { floats, int, integers, ints, modelOf, node, smallFile, smallModel } from './graphs.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

const GOLDEN = fileURLToPath(new URL('../golden/onnx', import.meta.url));
const golden = JSON.parse(readFileSync(join(GOLDEN, 'small.json'), 'utf8')) as {
  images: number[];
  labels: number[][];
  scores: number[][];
  evalScores: number[][];
  losses: number[];
  after: number[][];
  mean: number[];
};

const batchOf = (step: number) => Tensor.from(gpu, golden.images.slice(step * 3072, (step + 1) * 3072), [4, 3, 16, 16]);

const pictures = (count = 2) =>
  Tensor.from(
    gpu,
    Float32Array.from({ length: count * 192 }, (_, i) => Math.sin(i / 3)),
    [count, 3, 8, 8],
  );

type Model = Awaited<ReturnType<typeof importOnnx>>;

async function scoresOf(model: Model, images: Tensor): Promise<number[]> {
  model.eval();
  const scores = noGrad(() => model.call(images));
  return [...(await scores.data())];
}

/** The largest difference. */
const apart = (found: readonly number[], expected: readonly number[]) =>
  Math.max(...found.map((value, i) => Math.abs(value - expected[i]!)));

describe('of torch.onnx', () => {
  gpuTest('trains as PyTorch does: scores, losses, statistics, masks of dropout', async () => {
    const model = await importOnnx(gpu, join(GOLDEN, 'small-training.onnx'), { random: new Generator(6) });
    // Both round in float32, in other orders; values are about 1.
    expect(apart(await scoresOf(model, batchOf(0)), golden.scores.flat())).toBeLessThan(2e-6);
    model.train();
    const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
    for (const [step, expected] of golden.losses.entries()) {
      const labels = Tensor.from(gpu, Uint32Array.from(golden.labels[step]!), [4]);
      const loss = scope(() => crossEntropy(model.call(batchOf(step)), labels));
      backward(loss);
      optimizer.step();
      optimizer.zeroGrad();
      expect(Math.abs((await loss.item()) - expected), `step ${step}`).toBeLessThan(2e-6);
    }
    expect(apart(await scoresOf(model, batchOf(0)), golden.after.flat())).toBeLessThan(1e-5);
    // Its momentum is 0.3.
    const mean = model.stateDict().get('norm.running_mean') as Tensor;
    expect(apart([...(await mean.data())], golden.mean)).toBeLessThan(1e-6);
  });

  gpuTest('with folded batch norms gives the same scores, and trains', async () => {
    const model = await importOnnx(gpu, join(GOLDEN, 'small-eval.onnx'), { random: new Generator(6) });
    expect(apart(await scoresOf(model, batchOf(0)), golden.evalScores.flat())).toBeLessThan(5e-6);
    expect([...model.namedBuffers()]).toEqual([]);
    model.train();
    backward(
      scope(() => crossEntropy(model.call(batchOf(0)), Tensor.from(gpu, Uint32Array.from(golden.labels[0]!), [4]))),
    );
    for (const [name, parameter] of model.namedParameters()) expect(parameter.grad, name).toBeDefined();
  });

  gpuTest('keeps the names of tensors, and knows which of them learn', async () => {
    const model = await importOnnx(gpu, join(GOLDEN, 'small-training.onnx'));
    expect(Array.from(model.namedBuffers(), ([name]) => name).sort()).toEqual([
      ...['norm.running_mean', 'norm.running_var', 'stem.1.running_mean', 'stem.1.running_var'],
    ]);
    const names = Array.from(model.namedParameters(), ([name]) => name);
    expect(names).toEqual(
      expect.arrayContaining(['stem.0.weight', 'scale', 'layernorm.weight', 'fc.weight', 'fc.bias']),
    );
    expect(names).toHaveLength(17);
    expect(model.headName).toBe('fc');
    expect(model.featureSize).toBe(6);
  });
});

describe('a small graph', () => {
  gpuTest('is a classifier: features, head, maps and Grad-CAM', async () => {
    const model = (await importOnnx(gpu, await smallFile())).eval();
    const images = pictures();
    const [features, maps, scores] = noGrad(() =>
      scope(() => [model.features(images), model.maps(images), model.call(images)]),
    );
    expect([features.shape, maps.shape, scores.shape]).toEqual([
      [2, 6],
      [2, 6, 8, 8],
      [2, 2],
    ]);
    const behind = noGrad(() => scope(() => model.scoresOfMaps(maps)));
    expect(await behind.data()).toEqual(await scores.data());
    const heats = [0, 1].map((index) => gradCam(model, images, index));
    expect(heats[0]!.shape).toEqual([2, 8, 8]);
    const values = await Promise.all(heats.map((heat) => heat.data()));
    expect(Math.max(...values.flatMap((heat) => [...heat]))).toBeGreaterThan(0);
  });

  gpuTest('frees what it computes', async () => {
    const model = await importOnnx(gpu, await smallFile());
    const images = pictures();
    await scoresOf(model, images);
    const before = gpu.pool.allocatedBytes;
    // The scores of each pass, 16 bytes, are the caller's.
    for (let i = 0; i < 3; i++) await scoresOf(model, images);
    expect(gpu.pool.allocatedBytes - before).toBeLessThanOrEqual(3 * 16);
  });

  gpuTest('lies beside weights as a graph without them', async () => {
    const bytes = await smallFile();
    const { net, checkpoint } = await readOnnxNet(bytes, 'net.onnx');
    const again = await readGraph(net.graph!, 'best.safetensors');
    expect(again).toMatchObject({ headName: 'fc', featureSize: 6, blocks: net.blocks, graph: net.graph });
    const model = again.build(gpu, { init: 'skip' });
    model.loadStateDict(checkpoint.tensors);
    expect(await scoresOf(model, pictures())).toEqual(await scoresOf(await importOnnx(gpu, bytes), pictures()));
  });

  gpuTest('is the same to the bit once it was exported, read, exported and read', async () => {
    const inputShape = [3, 8, 8];
    const model = await importOnnx(gpu, await smallFile());
    const first = await importOnnx(gpu, await exportOnnx(model, { inputShape }));
    const second = await importOnnx(gpu, await exportOnnx(first, { inputShape }));
    expect(await scoresOf(second, pictures())).toEqual(await scoresOf(model, pictures()));
    expect([...second.stateDict().keys()].sort()).toEqual([...model.stateDict().keys()].sort());
    expect([second.headName, [...second.blocks.keys()].at(-1)]).toEqual(['fc', 'fc']);
  });

  gpuTest('takes normalised pictures though its file normalises pixels', async () => {
    const model = await importOnnx(gpu, await smallFile());
    const preprocess = { type: 'u8', mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] } as const;
    const metadata = { pixels: '0 to 255, RGB' };
    const file = await exportOnnx(model, { inputShape: [3, 8, 8], preprocess, metadata });
    expect(await scoresOf(await importOnnx(gpu, file), pictures())).toEqual(await scoresOf(model, pictures()));
  });

  gpuTest('has no half precision', async () => {
    const model = await importOnnx(gpu, await smallFile());
    expect(() => model.half()).toThrow('no half precision');
  });
});

test('blocks are the outermost scopes, the large ones split, and the last layer', () => {
  expect([...graphOf(smallModel(), 'net.onnx').blocks]).toEqual([
    // It has more than half of all tensors, so it is split.
    ['stem.conv', ['stem.conv.weight']],
    ['stem.bn', ['stem.bn.weight', 'stem.bn.bias', 'stem.bn.mean', 'stem.bn.var']],
    ['layer', ['layer.weight', 'layer.bias']],
    ['fc', []],
  ]);
});

/** A graph that is flattened by these nodes, from `g` [N, 6, 1, 1] to `f`. */
const flattenedBy = (
  nodes: OnnxModel['graph']['nodes'],
  tensors: readonly ReturnType<typeof integers>[],
  batch?: number,
) =>
  modelOf(
    [
      node('Conv', ['images', 'w'], 'c', { kernel_shape: ints(3, 3) }),
      node('GlobalAveragePool', ['c'], 'g'),
      ...nodes,
      node('MatMul', ['f', 'm'], 'scores'),
    ],
    [floats('w', 6, 3, 3, 3), floats('m', 6, 2), ...tensors],
    batch === undefined ? {} : { batch },
  );

describe('shapes', () => {
  const ways: readonly [string, OnnxModel][] = [
    ['by Flatten', flattenedBy([node('Flatten', ['g'], 'f')], [])],
    ['by 0 and −1', flattenedBy([node('Reshape', ['g', 's'], 'f')], [integers('s', 0, -1)])],
    ['for a fixed batch', flattenedBy([node('Reshape', ['g', 's'], 'f')], [integers('s', 1, 6)], 1)],
    [
      'by arithmetic',
      flattenedBy(
        [
          ...[node('Shape', ['g'], 'a'), node('Slice', ['a', 'zero', 'one'], 'b'), node('Gather', ['a', 'one'], 'd')],
          ...[
            node('Mul', ['d', 'one'], 'e'),
            node('Concat', ['b', 'e'], 's', { axis: int(0) }),
            node('Reshape', ['g', 's'], 'f'),
          ],
        ],
        [integers('zero', 0), integers('one', 1)],
      ),
    ],
  ];
  for (const [way, model] of ways) {
    gpuTest(way, async () => {
      const scores = await scoresOf(await importOnnx(gpu, await encodeOnnx(model)), pictures(3));
      const plain = flattenedBy([node('Flatten', ['g'], 'f')], []);
      expect(scores).toEqual(await scoresOf(await importOnnx(gpu, await encodeOnnx(plain)), pictures(3)));
    });
  }
});

test('copies of a tensor are tensors of their own', () => {
  const model = modelOf(
    [
      ...[node('Identity', ['w'], 'v'), node('Conv', ['images', 'w'], 'c'), node('Conv', ['c', 'v'], 'd')],
      ...[node('GlobalAveragePool', ['d'], 'g'), node('Flatten', ['g'], 'f'), node('MatMul', ['f', 'm'], 'scores')],
    ],
    [floats('w', 3, 3, 1, 1), floats('m', 3, 2)],
  );
  expect([...graphOf(model, 'net.onnx').entries.keys()]).toEqual(['w', 'v']);
});

test('what prepares the pictures is constant', () => {
  const model = modelOf(
    [
      ...[node('Sub', ['images', 'mean'], 's'), node('Div', ['s', 'std'], 't'), node('Conv', ['t', 'w'], 'c')],
      ...[node('GlobalAveragePool', ['c'], 'g'), node('Mul', ['g', 'half'], 'h'), node('Flatten', ['h'], 'f')],
      node('MatMul', ['f', 'm'], 'scores'),
    ],
    [floats('mean', 3, 1, 1), floats('std', 3, 1, 1), floats('w', 3, 3, 1, 1), floats('half'), floats('m', 3, 2)],
  );
  const { entries, constants } = graphOf(model, 'net.onnx');
  expect([...entries.keys()]).toEqual(['w']);
  expect([...constants.keys()].sort()).toEqual(['half', 'mean', 'std']);
});

test('names that no module can have are changed', () => {
  const names = ['a', 'a.b', '.x', 'a..b', 'onnx::Conv_1'];
  const convs = names.map((name, i) => node('Conv', [i === 0 ? 'images' : `c${i - 1}`, name], `c${i}`));
  const model = modelOf(
    [
      ...convs,
      node('GlobalAveragePool', ['c4'], 'g'),
      node('Flatten', ['g'], 'f'),
      node('MatMul', ['f', 'm'], 'scores'),
    ],
    [...names.map((name) => floats(name, 3, 3, 1, 1)), floats('m', 3, 2)],
  );
  const entries = Array.from(graphOf(model, 'net.onnx').entries.values(), ({ name }) => name);
  expect(entries).toEqual(['a', 'a_b', '_x', 'a__b', 'onnx::Conv_1']);
});

describe('the last layer', () => {
  const two = (...last: OnnxModel['graph']['nodes']) =>
    modelOf(
      [
        ...[node('GlobalAveragePool', ['images'], 'g'), node('Flatten', ['g'], 'f')],
        ...[node('MatMul', ['f', 'first'], 'p', {}, '/first/MatMul'), node('Add', ['p', 'b'], 'q', {}, '/first/Add')],
        node('Relu', ['q'], 'r'),
        ...last,
      ],
      [floats('first', 3, 4), floats('b', 4), floats('second', 4, 2), floats('k', 2, 4, 1, 1)],
    );
  const whole = two(node('MatMul', ['r', 'second'], 'scores', {}, '/second/MatMul'));

  test('is the last product, or the one that is named', () => {
    expect(graphOf(whole, 'net.onnx').head).toMatchObject({ name: 'second', featureSize: 4, outputs: 2, input: 'r' });
    for (const name of ['first', '/first/MatMul', '/first/Add']) {
      const { head, left } = graphOf(whole, 'net.onnx', name);
      expect(head).toMatchObject({ name: 'first', featureSize: 3, outputs: 4, input: 'f', biasSource: 'b' });
      expect(left).toEqual(['Relu', 'MatMul']);
    }
  });

  test('must be there', () => {
    expect(() => graphOf(whole, 'net.onnx', 'third')).toThrow(
      'net.onnx: has no last layer "third". Choose one with --head: /first/MatMul, /first/MatMul, /second/MatMul',
    );
    const other = two(node('Conv', ['r', 'k'], 'scores'));
    expect(() => graphOf(other, 'net.onnx')).toThrow(/found node "scores" \("Conv"\) there\. Choose one with --head/);
  });

  gpuTest('is that of a Linear, whichever way its weight lies', async () => {
    const model = await importOnnx(gpu, await encodeOnnx(whole));
    const weight = model.stateDict().get('second.weight') as Tensor;
    expect(weight.shape).toEqual([2, 4]);
    const given = floats('second', 4, 2).data as Float32Array;
    expect(await weight.data()).toEqual(Float32Array.from([0, 2, 4, 6, 1, 3, 5, 7], (i) => given[i]!));
  });
});

describe('refuses', () => {
  const small = smallModel();
  const withNodes = (nodes: OnnxModel['graph']['nodes']): OnnxModel => ({ ...small, graph: { ...small.graph, nodes } });
  const changed = (index: number, change: Partial<OnnxModel['graph']['nodes'][number]>) =>
    withNodes(small.graph.nodes.with(index, { ...small.graph.nodes[index]!, ...change }));
  const withInput = (shape: readonly number[]): OnnxModel => ({
    ...small,
    graph: { ...small.graph, inputs: [{ name: 'images', type: 'f32', shape }] },
  });

  test.each<[string, OnnxModel, RegExp]>([
    ['an old version', { ...small, opset: 8 }, /version 8 of ONNX's ops \(opset\), expected 9 to 20/],
    ['a new version', { ...small, opset: 25 }, /version 25/],
    [
      'an op that there is not',
      changed(2, { op: 'Resize' }),
      /node "\/stem\/relu\/Relu" \("Resize"\) is of an op that .* Conv, /,
    ],
    ['an op of others', changed(2, { domain: 'com.microsoft' }), /is of an op that there is not here/],
    ['a value from nowhere', changed(2, { inputs: ['x'] }), /\("Relu"\) takes "x", which nothing before it gives/],
    ['a value of two nodes', changed(2, { outputs: ['n'] }), /two values have the name "n"/],
    ['grey pictures', withInput([1, 1, 8, 8]), /found "images" of f32, \[1, 1, 8, 8\]/],
    ['rows of numbers', withInput([1, 3]), /expected an input of f32 pictures/],
  ])('%s', (_, model, message) => {
    expect(() => graphOf(model, 'net.onnx')).toThrow(FileError);
    expect(() => graphOf(model, 'net.onnx')).toThrow(message);
  });

  gpuTest('a node that our ops cannot say, by name', async () => {
    const model = await importOnnx(gpu, await encodeOnnx(changed(0, { attributes: new Map([['group', int(7)]]) })));
    expect(() => model.call(pictures())).toThrow(/\/stem\/conv\/Conv/);
  });
});

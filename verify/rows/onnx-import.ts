/** Networks that torch.onnx wrote: read here, their scores and ten training steps are PyTorch's. */
import { join } from 'node:path';
import { backward, crossEntropy, noGrad, scope, Tensor } from '../../src/autograd/index.ts';
import { Generator } from '../../src/data/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { Classifier } from '../../src/models/classifier.ts';
import { exportOnnx } from '../../src/onnx/export/export.ts';
import { importOnnx } from '../../src/onnx/import.ts';
import { SGD } from '../../src/optim/index.ts';
import { readCheckpoint, type TensorData } from '../../src/weights/index.ts';
import { atMost, type Context, either, type Outcome, type Row, scientific } from '../row.ts';
import { runScript } from '../tensors.ts';

const BAR = 1e-4;
/** That of onnx_import.py. */
const SEED = 7;

interface Sample {
  readonly side: number;
  readonly batch: number;
  /** Networks of torchvision, each with the mode in which it was exported. */
  readonly cases: readonly string[];
}

const SMALL: Sample = {
  side: 64,
  batch: 8,
  cases: ['resnet50:training', 'mobilenet_v3_small:training', 'mobilenet_v3_small:eval'],
};
const WHOLE: Sample = {
  ...{ side: 224, batch: 4 },
  cases: ['resnet50', 'mobilenet_v3_small', 'mobilenet_v3_large'].flatMap((net) => [`${net}:training`, `${net}:eval`]),
};

export const onnxImport: Row = {
  name: 'onnx-import',
  title: `networks that torch.onnx wrote: scores, and ten training steps against PyTorch, at ${SMALL.side} pixels`,
  minutes: 2,
  ci: true,
  run: (context) => compare(context, SMALL),
};

export const onnxImportWhole: Row = {
  name: 'onnx-import-whole',
  title: `the row onnx-import at ${WHOLE.side} pixels, with more networks`,
  minutes: 8,
  ci: false,
  run: (context) => compare(context, WHOLE),
};

async function compare(context: Context, { side, batch, cases }: Sample): Promise<Outcome[]> {
  const { scratch } = context;
  runScript(context, 'verify/python/onnx_import.py', [scratch, String(side), String(batch), ...cases]);
  const outcomes: Outcome[] = [];
  const gpu = await openGpu();
  try {
    for (const name of cases) {
      const path = join(scratch, name.replace(':', '-'));
      const { tensors } = readCheckpoint(`${path}.pth`);
      outcomes.push(...(await compareOne(gpu, name, `${path}.onnx`, tensors)));
    }
  } finally {
    gpu.close();
  }
  return outcomes;
}

async function compareOne(
  gpu: Gpu,
  name: string,
  file: string,
  torch: ReadonlyMap<string, TensorData>,
): Promise<Outcome[]> {
  const model = await importOnnx(gpu, file, { random: new Generator(SEED) });
  const before = await scoresOf(gpu, model, torch);
  const again = await writtenAndRead(gpu, model, torch);
  const losses = await train(gpu, model, torch);
  const after = await scoresOf(gpu, model, torch);
  model.dispose();
  const expected = torch.get('losses')!.data;
  const furthest = Math.max(...losses.map((loss, i) => Math.abs(loss / expected[i]! - 1)));
  return [
    atMost(
      `${name}: scores as read, of the largest`,
      furthestShare(before, torch.get('logits')!.data),
      BAR,
      scientific,
    ),
    either(`${name}: read, exported, read, exported and read again`, isSame(before, again), 'same bits', 'other bits'),
    atMost(`${name}: losses of ten steps, relative`, furthest, BAR, scientific),
    atMost(
      `${name}: scores after them, of the largest`,
      furthestShare(after, torch.get('after')!.data),
      AFTER,
      scientific,
    ),
  ];
}

/** Ten steps of an untrained network, whose gradients are large: each step adds to what the last one rounded. */
const AFTER = 1e-2;

/** The scores of a network that was exported, read, exported and read again. */
async function writtenAndRead(
  gpu: Gpu,
  model: Classifier,
  torch: ReadonlyMap<string, TensorData>,
): Promise<Float32Array> {
  const [, , ...inputShape] = torch.get('images')!.shape;
  const first = await importOnnx(gpu, await exportOnnx(model, { inputShape }));
  const second = await importOnnx(gpu, await exportOnnx(first, { inputShape }));
  const scores = await scoresOf(gpu, second, torch);
  first.dispose();
  second.dispose();
  return scores;
}

const isSame = (a: Float32Array, b: Float32Array) => Buffer.from(a.buffer).equals(Buffer.from(b.buffer));

function batchOf(
  gpu: Gpu,
  step: number,
  torch: ReadonlyMap<string, TensorData>,
): { images: Tensor; labels: Tensor<'u32'> } {
  const { shape, data } = torch.get('images')!;
  const [, ...each] = shape as [number, number, number, number, number];
  const size = each.reduce((product, extent) => product * extent, 1);
  const labels = torch.get('labels')!.data.subarray(step * each[0]!, (step + 1) * each[0]!);
  return {
    images: Tensor.from(gpu, data.slice(step * size, (step + 1) * size), each),
    labels: Tensor.from(gpu, Uint32Array.from(labels), [each[0]!]),
  };
}

async function scoresOf(gpu: Gpu, model: Classifier, torch: ReadonlyMap<string, TensorData>): Promise<Float32Array> {
  model.eval();
  const scores = noGrad(() => scope(() => model.call(batchOf(gpu, 0, torch).images)));
  const values = await scores.data();
  scores.dispose();
  return values;
}

async function train(gpu: Gpu, model: Classifier, torch: ReadonlyMap<string, TensorData>): Promise<number[]> {
  model.train();
  const optimizer = new SGD(model.parameters(), { lr: 0.0005, momentum: 0.9 });
  const losses: number[] = [];
  for (let step = 0; step < torch.get('losses')!.data.length; step++) {
    const loss = scope(() => {
      const { images, labels } = batchOf(gpu, step, torch);
      return crossEntropy(model.call(images), labels);
    });
    backward(loss);
    optimizer.step();
    optimizer.zeroGrad();
    losses.push(await loss.item());
    loss.dispose();
  }
  return losses;
}

/** The largest difference, as a share of the largest value. */
function furthestShare(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [furthest, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    furthest = Math.max(furthest, Math.abs(found[i]! - expected[i]!));
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return furthest / largest;
}

/**
 * A trained run of each family of networks, exported: its .pth in torchvision's module, strictly, and its .onnx in ONNX
 * Runtime, on pictures, beside what predict says.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { noGrad, scope, Tensor } from '../../src/autograd/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import { NETS } from '../../src/models/registry.ts';
import { architectureOf, buildModel, outputsOf } from '../../src/models/start.ts';
import { BatchNorm2d } from '../../src/nn/index.ts';
import { openPredictor } from '../../src/predict/index.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { BEST_WEIGHTS, readCheckpoint, writeSafetensors } from '../../src/weights/index.ts';
import { hasOnnxruntime, NO_ONNXRUNTIME, runOnnx } from '../../test/support/onnxruntime.ts';
import { NO_TORCH } from '../../test/support/python.ts';
import { drawnFolder } from '../drawn-folder.ts';
import { flagsOf, runCommand } from '../processes.ts';
import { all, atMost, type Context, fourDigits, type Outcome, type Row, Skipped, scientific } from '../row.ts';
import { largestDifference, runPython } from '../tensors.ts';
import { runTrain } from '../train-run.ts';

const PICTURES = 50;
const SIDE = 96;
/** Logits are of the size of 1; float32's rounding through a hundred layers. */
const BAR = 1e-4;
/** What CI looks at: one net of plain convolutions, and one with squeeze and excitation. */
const CI_SAMPLE: readonly string[] = ['resnet18', 'mobilenet_v3_small'];

export const exportsRun: Row = {
  name: 'exports-run',
  title: 'a trained run of each family as .pth in torchvision, strictly, and as .onnx in ONNX Runtime: the same logits',
  minutes: 6,
  ci: true,
  alone: true,
  run: async (context) => {
    if (context.python === '') throw new Skipped(NO_TORCH);
    if (!hasOnnxruntime()) throw new Skipped(NO_ONNXRUNTIME);
    const drawn = await drawnFolder(join(context.scratch, 'drawn'));
    const pictures = picturesIn(context.data === '' ? drawn : context.data);
    const names = context.ci ? CI_SAMPLE : firstOfEachFamily();
    const outcomes: Outcome[] = [];
    for (const name of names) outcomes.push(...(await checkRun(context, name, drawn, pictures)));
    return outcomes;
  },
};

/** The smallest net of each family: titles are ResNet-18, ResNet-34, MobileNetV3 small. */
function firstOfEachFamily(): string[] {
  const families = new Map<string, string>();
  for (const { name, title } of NETS) {
    const family = title.replace(/[-\s](?:\d|[a-z]\d|small|large|tiny).*$/i, '');
    if (!families.has(family)) families.set(family, name);
  }
  return [...families.values()];
}

/** As many of each class as of the others, of both splits. */
function picturesIn(folder: string): string[] {
  const classes = ['val', 'train'].flatMap((split) =>
    readdirSync(join(folder, split)).map((name) => join(folder, split, name)),
  );
  const files = classes.map((path) =>
    readdirSync(path)
      .sort()
      .map((file) => join(path, file)),
  );
  const longest = Math.max(...files.map(({ length }) => length));
  const inTurns = Array.from({ length: longest }, (_, i) => files.flatMap((list) => list.slice(i, i + 1))).flat();
  return inTurns.slice(0, PICTURES);
}

async function checkRun(context: Context, name: string, data: string, pictures: string[]): Promise<Outcome[]> {
  const run = join(context.scratch, name);
  const settings = { data, arch: name, weights: 'none', epochs: 2, mode: 'finetune', lr: 0.001 };
  await runTrain(run, flagsOf({ ...settings, 'image-size': SIDE }));
  await settleStatistics(run);
  const [pth, onnx, folded] = ['net.pth', 'net.onnx', 'folded.onnx'].map((file) => join(run, file)) as [
    string,
    string,
    string,
  ];
  for (const out of [pth, onnx]) await runCommand('export', flagsOf({ weights: run, out }));
  await runCommand('export', [...flagsOf({ weights: run, out: folded }), '--fold-batch-norm']);

  const own = await ourScores(run, pictures);
  const list = join(run, 'pictures.json');
  writeFileSync(list, JSON.stringify(pictures));
  const { tensors } = runPython(context, 'exported.py', new Map(), [pth, list]);
  const images = tensors.get('images')!;
  const inRuntime = async (file: string) =>
    (await runOnnx(readFileSync(file), images)).get('scores')!.data as Float32Array;
  const others: Readonly<Record<string, Float32Array>> = {
    '.pth in torchvision, loaded strictly': tensors.get('logits')!.data,
    '.onnx in ONNX Runtime': await inRuntime(onnx),
    '.onnx with folded batch norms': await inRuntime(folded),
  };
  const spread = largestDifference(own.at(-1)!, own[0]!);
  console.log(
    `  ${name}: scores of up to ${fourDigits(Math.max(...own.flat().map(Math.abs)))}, two pictures differ by ${fourDigits(spread)}`,
  );
  return Object.entries(others).flatMap(([what, logits]) => [
    atMost(`${name}, ${what}: logits, largest difference`, largestDifference(logits, own.flat()), BAR, scientific),
    all(`${name}, ${what}: same top-1`, sameTop1(logits, own), PICTURES),
  ]);
}

const NOISE_BATCHES = 3;
const NOISE_BATCH = 8;

/**
 * Gives the batch norms of a run the statistics that its weights have, on noise: in so few steps theirs stay near 0 and 1,
 * so that in a deep net every picture would get the same scores, and the comparison say nothing.
 */
async function settleStatistics(run: string): Promise<void> {
  const path = join(run, BEST_WEIGHTS);
  const checkpoint = readCheckpoint(path);
  const architecture = architectureOf(path, checkpoint);
  const gpu = await openGpu();
  try {
    const start = { architecture, checkpoint, loadsLastLayer: true, description: path };
    const random = new Generator(2);
    const classes = outputsOf(architecture, checkpoint)!;
    const model = buildModel(gpu, start, { classes, mode: 'finetune', random }).train();
    for (const [, norm] of model.namedModules()) {
      if (!(norm instanceof BatchNorm2d)) continue;
      // The mean over all batches.
      Object.assign(norm, { momentum: null });
      norm.batchesTracked.value = 0;
    }
    const noise = new Float32Array(NOISE_BATCH * 3 * SIDE * SIDE);
    for (let i = 0; i < NOISE_BATCHES; i++) {
      const shape = [NOISE_BATCH, 3, SIDE, SIDE];
      scope(() => noGrad(() => void model.call(Tensor.from(gpu, random.fillNormal(noise), shape))));
    }
    writeSafetensors(path, { tensors: await model.exportState(), metadata: checkpoint.metadata });
  } finally {
    gpu.close();
  }
}

/** The scores of each picture. */
async function ourScores(run: string, pictures: readonly string[]): Promise<number[][]> {
  const predictor = await openPredictor(run);
  try {
    const rows: number[][] = [];
    for await (const one of predictor.scores(pictures)) {
      if ('error' in one) throw one.error;
      rows.push([...one.scores]);
    }
    return rows;
  } finally {
    await predictor.close();
  }
}

function sameTop1(logits: Float32Array, own: readonly (readonly number[])[]): number {
  const best = (row: readonly number[]) => row.indexOf(Math.max(...row));
  return own.filter((row, i) => best([...logits.subarray(i * row.length, (i + 1) * row.length)]) === best(row)).length;
}

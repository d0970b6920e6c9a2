/**
 * A trained run of each family of networks, exported: its .pth in torchvision's module, strictly, and its .onnx in ONNX
 * Runtime, on pictures, beside what predict says.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NETS } from '../../src/models/registry.ts';
import { hasOnnxruntime, NO_ONNXRUNTIME, runOnnx } from '../../test/support/onnxruntime.ts';
import { NO_TORCH } from '../../test/support/python.ts';
import { drawnFolder } from '../drawn-folder.ts';
import { scoresOf, trainBriefly } from '../exported-run.ts';
import { flagsOf, runCommand } from '../processes.ts';
import { all, atMost, type Context, fourDigits, type Outcome, type Row, Skipped, scientific } from '../row.ts';
import { largestDifference, runPython } from '../tensors.ts';

const PICTURES = 50;
/** Of the largest score, where that is above 1: float32's rounding through a hundred layers. */
const BAR = 1e-4;
/** What CI looks at: one net of plain convolutions, and one with squeeze and excitation. */
const CI_SAMPLE: readonly string[] = ['resnet18', 'mobilenet_v3_small'];

export const exportsRun: Row = {
  name: 'exports-run',
  title: 'a trained run of each family as .pth in torchvision, strictly, and as .onnx in ONNX Runtime: the same logits',
  minutes: 10,
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
  await trainBriefly(name, data, run);
  const [pth, onnx, folded] = ['net.pth', 'net.onnx', 'folded.onnx'].map((file) => join(run, file)) as [
    string,
    string,
    string,
  ];
  for (const out of [pth, onnx]) await runCommand('export', flagsOf({ weights: run, out }));
  await runCommand('export', [...flagsOf({ weights: run, out: folded }), '--fold-batch-norm']);

  const own = await scoresOf(run, pictures);
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
  const largest = Math.max(1, ...own.flat().map(Math.abs));
  const spread = largestDifference(own.at(-1)!, own[0]!);
  console.log(`  ${name}: scores of up to ${fourDigits(largest)}, two pictures differ by ${fourDigits(spread)}`);
  return Object.entries(others).flatMap(([what, logits]) => [
    atMost(
      `${name}, ${what}: logits, largest difference`,
      largestDifference(logits, own.flat()) / largest,
      BAR,
      scientific,
    ),
    all(`${name}, ${what}: same top-1`, sameTop1(logits, own), PICTURES),
  ]);
}

function sameTop1(logits: Float32Array, own: readonly (readonly number[])[]): number {
  const best = (row: readonly number[]) => row.indexOf(Math.max(...row));
  return own.filter((row, i) => best([...logits.subarray(i * row.length, (i + 1) * row.length)]) === best(row)).length;
}

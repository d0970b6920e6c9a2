/**
 * `npm run verify [-- NAME …]`: checks the promises of the project. Prints the device, and the
 * figures and bars of each row; the exit status is 1 if a bar does not hold. `--list` names the rows, `--ci` runs the
 * rows for CI, `--screenshots <folder>` keeps the pictures of pages that a row looked at, `--net <name>` lets the rows about all
 * networks look at one, `--seed <n>` lets the rows of whole runs train with one.
 *
 * Needs DAWNGRAD_DATA, DAWNGRAD_WEIGHTS and a Python with torch. Comparisons of whole runs also need
 * DAWNGRAD_REFERENCE, and `cases` needs DAWNGRAD_CASES. Rows that are `alone` need none of the others.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCommandLine } from '../scripts/command-line.ts';
import { findTorchPython } from '../scripts/find-python.ts';
import { openGpu } from '../src/gpu/dawn.ts';
import { type Context, type Outcome, type Row, Skipped } from './row.ts';
import { extractorAccuracy, finetuneAccuracy } from './rows/accuracy.ts';
import { asFast, asFastBatch, asFastConvolutions, asFastEpoch, asFastRuns, asFastTfjs } from './rows/as-fast.ts';
import { augment } from './rows/augment.ts';
import { backboneSpeed } from './rows/backbone-speed.ts';
import { backbones } from './rows/backbones.ts';
import { batchNormOffset } from './rows/batch-norm-offset.ts';
import { besideBefore } from './rows/beside-before.ts';
import { browserEngine } from './rows/browser-engine.ts';
import { cases } from './rows/cases.ts';
import { dataCheck } from './rows/data-check.ts';
import { demo } from './rows/demo.ts';
import { downloads } from './rows/downloads.ts';
import { draws, lastLayer } from './rows/draws.ts';
import { epochDraws, trainPixels } from './rows/epoch-draws.ts';
import { evalForward } from './rows/eval-forward.ts';
import { examples } from './rows/examples.ts';
import { exportsRow } from './rows/exports.ts';
import { exportsRun } from './rows/exports-run.ts';
import { bareMachine, freshClone } from './rows/fresh-clone.ts';
import { gradCamRow } from './rows/grad-cam.ts';
import { half } from './rows/half.ts';
import { inputs } from './rows/inputs.ts';
import { installGit } from './rows/install-git.ts';
import { faultPoints, kills } from './rows/kills.ts';
import { longLoops } from './rows/long-loops.ts';
import { longTests } from './rows/long-tests.ts';
import { longTrain } from './rows/long-train.ts';
import { matmulRow } from './rows/matmul.ts';
import { memory } from './rows/memory.ts';
import { mutatedCheckpoints } from './rows/mutated-checkpoints.ts';
import { mutatedPictures } from './rows/mutated-pictures.ts';
import { onnx } from './rows/onnx.ts';
import { onnxImport, onnxImportWhole } from './rows/onnx-import.ts';
import { onnxInABrowser } from './rows/onnx-in-a-browser.ts';
import { ops } from './rows/ops.ts';
import { optimizers } from './rows/optimizers.ts';
import { packageRow } from './rows/package.ts';
import { pillowFormats } from './rows/pillow-formats.ts';
import { predict } from './rows/predict.ts';
import { probe } from './rows/probe.ts';
import { randomPrograms } from './rows/random-programs.ts';
import { readmeRow } from './rows/readme.ts';
import { reportRow } from './rows/report.ts';
import { sameBits } from './rows/same-bits.ts';
import { extractorRun, finetuneEpoch, finetuneRun, finetuneSteps } from './rows/same-run.ts';
import { saveCost } from './rows/save-cost.ts';
import { scores } from './rows/scores.ts';
import { serveRow } from './rows/serve.ts';
import { speed } from './rows/speed.ts';
import { startUp } from './rows/start-up.ts';
import { defaultLimits, oneStep, tenSteps } from './rows/step.ts';
import { suiteGpuVariants, suiteSwiftShader } from './rows/suites.ts';
import { trainingOptions } from './rows/training-options.ts';
import { tuneFromNothing, tuneTable } from './rows/tune.ts';
import { turned } from './rows/turned.ts';
import { valTransform } from './rows/val-transform.ts';
import { walkRow } from './rows/walk.ts';

const ROWS: readonly Row[] = [
  oneStep,
  tenSteps,
  backbones,
  batchNormOffset,
  ops,
  examples,
  optimizers,
  trainingOptions,
  evalForward,
  gradCamRow,
  half,
  predict,
  serveRow,
  scores,
  valTransform,
  inputs,
  turned,
  dataCheck,
  augment,
  pillowFormats,
  mutatedPictures,
  onnx,
  onnxImport,
  onnxImportWhole,
  randomPrograms,
  mutatedCheckpoints,
  cases,
  sameBits,
  speed,
  backboneSpeed,
  matmulRow,
  memory,
  longTests,
  longLoops,
  longTrain,
  kills,
  faultPoints,
  saveCost,
  besideBefore,
  startUp,
  downloads,
  demo,
  freshClone,
  bareMachine,
  packageRow,
  installGit,
  readmeRow,
  walkRow,
  exportsRow,
  exportsRun,
  onnxInABrowser,
  browserEngine,
  reportRow,
  draws,
  lastLayer,
  epochDraws,
  trainPixels,
  finetuneSteps,
  probe,
  // The longest runs first: the next rows reuse them.
  extractorRun,
  extractorAccuracy,
  finetuneRun,
  finetuneAccuracy,
  finetuneEpoch,
  asFast,
  asFastTfjs,
  asFastRuns,
  asFastBatch,
  asFastConvolutions,
  asFastEpoch,
  defaultLimits,
  tuneTable,
  tuneFromNothing,
  suiteGpuVariants,
  suiteSwiftShader,
];

async function main(argv: string[]): Promise<number> {
  const { values, positionals } = readCommandLine({
    args: argv,
    allowPositionals: true,
    options: {
      ci: { type: 'boolean' },
      list: { type: 'boolean' },
      screenshots: { type: 'string' },
      net: { type: 'string' },
      seed: { type: 'string' },
    },
  });
  if (values.list) {
    for (const row of ROWS) console.log(`${row.name.padEnd(20)} ${`${row.minutes} min`.padEnd(8)} ${row.title}`);
    return 0;
  }
  const unknown = positionals.filter((name) => !ROWS.some((row) => row.name === name));
  if (unknown.length > 0) {
    console.error(`No such check: ${unknown.join(', ')}. The checks are: ${ROWS.map((row) => row.name).join(', ')}.`);
    return 2;
  }
  const rows = ROWS.filter((row) => (positionals.length > 0 ? positionals.includes(row.name) : !values.ci || row.ci));
  const noSkip = process.env.DAWNGRAD_NO_SKIP === '1';
  const found = findContext();
  let runnable = rows;
  if (typeof found === 'string') {
    runnable = rows.filter(({ alone }) => alone);
    if (runnable.length < rows.length) console.error(found);
    // A public CI has neither weights nor PyTorch. With DAWNGRAD_NO_SKIP=1 their absence is a failure.
    if (runnable.length < rows.length && (!values.ci || noSkip)) return 1;
  }
  const context = typeof found === 'string' ? { data: '', weights: '', reference: undefined, python: '' } : found;
  console.log(await describeDevice());
  let [held, failed, skipped] = [0, 0, 0];
  const report = (outcomes: readonly Outcome[]) => {
    for (const outcome of outcomes) {
      console.log(`  ${outcome.holds ? 'holds' : 'FAILS'}  ${outcome.what}: ${outcome.figure} (bar: ${outcome.bar})`);
      if (outcome.holds) held++;
      else failed++;
    }
  };
  for (const row of runnable) {
    console.log(`\n${row.name}: ${row.title}`);
    const scratch = mkdtempSync(join(tmpdir(), `dawngrad-verify-${row.name}-`));
    const started = performance.now();
    try {
      report(
        await row.run({
          ...context,
          ci: values.ci === true,
          screenshots: values.screenshots,
          net: values.net,
          seed: values.seed === undefined ? undefined : Number(values.seed),
          scratch,
        }),
      );
    } catch (error) {
      if (error instanceof Skipped) {
        report(error.outcomes);
        console.log(`  !! SKIPPED${noSkip ? ', and DAWNGRAD_NO_SKIP=1 forbids it' : ''}: ${error.message}`);
        if (noSkip) failed++;
        else skipped++;
      } else {
        console.log(`  FAILS  ${(error as Error).stack}`);
        failed++;
      }
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
    console.log(`  (${((performance.now() - started) / 1000).toFixed(0)} s)`);
  }
  console.log(`\nverify: ${held} held, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return failed > 0 ? 1 : 0;
}

/** The context of the rows, or a message that names the missing parts. */
function findContext(): Omit<Context, 'scratch' | 'ci' | 'screenshots' | 'net' | 'seed'> | string {
  const { DAWNGRAD_DATA: data, DAWNGRAD_WEIGHTS: weights, DAWNGRAD_REFERENCE: reference } = process.env;
  const python = findTorchPython();
  const missing = [
    ...(data && existsSync(data) ? [] : ['DAWNGRAD_DATA (a folder with train/ and val/)']),
    ...(weights && existsSync(weights) ? [] : ['DAWNGRAD_WEIGHTS (ImageNet weights of ResNet-18)']),
    ...(python ? [] : ['a Python with torch and torchvision (Debian: python3-torch python3-torchvision)']),
  ];
  if (missing.length > 0) return `verify: SKIPPED. It compares with PyTorch and needs:\n  ${missing.join('\n  ')}`;
  return { data: data!, weights: weights!, reference, python: python! };
}

async function describeDevice(): Promise<string> {
  const gpu = await openGpu();
  const { traits } = gpu;
  gpu.close();
  return `device: ${traits.description} (${traits.kind === 'cpu' ? 'software' : 'hardware'}), ${cpus().length} cores`;
}

process.exitCode = await main(process.argv.slice(2));

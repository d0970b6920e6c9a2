/** The tuner beside the shipped table, and its budget, with the driver's shader cache empty and then filled. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { quantile } from '../../bench/statistics.ts';
import { Steps } from '../../bench/steps.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import { Chooser, type ChooserSettings } from '../../src/kernels/chooser.ts';
import { choicesOf, DEFAULT_BUDGET, noTable, type TuneReport, tune, tuneLimits } from '../../src/tune/index.ts';
import { atMost, type Context, type Outcome, type Row } from '../row.ts';

const BATCH_SIZE = 4;
const STEPS = 28;
/** Whatever disturbs a step makes it slower, so the quicker ones tell more. */
const lowerQuartile = (values: readonly number[]) => quantile(values, 0.25);
/** Tuned steps are at least so many times as fast as the table's. */
const LEAST_SPEED = 0.98;
const LEAST_SPEED_FROM_NOTHING = 0.95;

const seconds = (value: number) => `${value.toFixed(1)} s`;

export const tuneTable: Row = {
  name: 'tune-table',
  title: 'the tuner’s choices beside the shipped table’s, and its budget cold and warm (keep the machine quiet)',
  minutes: 3,
  ci: false,
  run: async (context) => {
    const shaders = join(context.scratch, 'shader-cache');
    mkdirSync(shaders);
    const cold = await runTune(context, shaders);
    const warm = await runTune(context, shaders);
    const { measureMs, totalMs } = tuneLimits(DEFAULT_BUDGET);
    return [
      atMost('npm run tune, cold shader cache', cold.seconds, totalMs / 1000, seconds),
      atMost('npm run tune, warm shader cache', warm.seconds, measureMs / 1000, seconds),
      allMeasured(cold.report, 'cold'),
      allMeasured(warm.report, 'warm'),
      await besideTable(warm.report, LEAST_SPEED),
    ];
  },
};

export const tuneFromNothing: Row = {
  name: 'tune-from-nothing',
  title: 'tuned with the shipped table hidden: from the simplest kernel everywhere (keep the machine quiet)',
  minutes: 2,
  ci: false,
  run: async () => {
    const report = await tune({
      question: {
        ...{ mode: 'finetune', classes: 2, imageSize: 224, batchSize: BATCH_SIZE, momentum: 0 },
        pictures: { train: BATCH_SIZE, val: BATCH_SIZE },
      },
      table: noTable,
    });
    return [
      atMost('tuning', report.seconds, tuneLimits(DEFAULT_BUDGET).totalMs / 1000, seconds),
      allMeasured(report, 'from nothing'),
      await besideTable(report, LEAST_SPEED_FROM_NOTHING),
    ];
  },
};

/** The command as a user would run it, from its start to its end. */
async function runTune(
  { scratch }: Context,
  shaders: string,
): Promise<{ readonly seconds: number; readonly report: TuneReport }> {
  const started = performance.now();
  const script = new URL('../../src/cli/tune.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', script, '--json', '--batch-size', `${BATCH_SIZE}`], {
    env: {
      ...process.env,
      DAWNGRAD_CACHE: join(scratch, 'cache'),
      // Mesa's cache, emptied by giving it another folder; both names, for older and newer versions.
      ...{ MESA_SHADER_CACHE_DIR: shaders, MESA_GLSL_CACHE_DIR: shaders },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (status !== 0) throw new Error(`tune ended with status ${status}:\n${stderr}`);
  return { seconds: (performance.now() - started) / 1000, report: JSON.parse(stdout) as TuneReport };
}

function allMeasured({ results }: TuneReport, name: string): Outcome {
  const measured = results.filter(({ state }) => state === 'measured').length;
  return {
    what: `work that was measured to the end within the budget, ${name}`,
    figure: `${measured} of ${results.length}`,
    bar: 'all',
    holds: measured === results.length,
  };
}

/** Fine-tuning steps by both sets of choices, in turn on one device and one network: only the kernels differ. */
async function besideTable(report: TuneReport, least: number): Promise<Outcome> {
  const gpu = await openGpu();
  try {
    const steps = new Steps(gpu, 'finetune-step', { batchSize: BATCH_SIZE });
    const prepare = async (settings: ChooserSettings) => {
      const chooser = new Chooser(settings);
      await steps.warmUp(chooser);
      return { chooser, kernels: chooser.choices, ms: [] as number[] };
    };
    const [table, tuned] = [await prepare({}), await prepare({ tuned: choicesOf(report.results) })];
    for (let step = 0; step < STEPS; step++) {
      // Who goes first changes, so that a machine that becomes slower favours nobody.
      for (const one of step % 2 === 0 ? [table, tuned] : [tuned, table]) {
        one.ms.push(await steps.block(1, one.chooser));
      }
    }
    const different = Object.entries(tuned.kernels).filter(([work, variant]) => table.kernels[work] !== variant);
    const [tableMs, tunedMs] = [lowerQuartile(table.ms), lowerQuartile(tuned.ms)];
    const speed = tableMs / tunedMs;
    const others = different.map(([work, variant]) => `, ${variant} for ${work}`).join('');
    return {
      what:
        `fine-tuning step at batch ${BATCH_SIZE}, ${tunedMs.toFixed(0)} ms tuned, ${tableMs.toFixed(0)} ms by the table ` +
        `(lower quartiles of ${STEPS} steps in turn; ${different.length} of ${Object.keys(table.kernels).length} kernels ` +
        `differ${others})`,
      figure: `${speed.toFixed(3)} times as fast as the table`,
      // Equal kernels make equal steps, and what is measured then is how quiet the machine was.
      bar: `at least ${least} times, or the same kernels`,
      holds: speed >= least || different.length === 0,
    };
  } finally {
    gpu.close();
  }
}

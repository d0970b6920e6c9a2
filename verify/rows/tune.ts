/** The tuner's choices beside the shipped table's, and its budget with an empty and a filled shader cache. */
import { join } from 'node:path';
import { quantile } from '../../bench/statistics.ts';
import { Steps } from '../../bench/steps.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import { Chooser, type ChooserSettings } from '../../src/kernels/chooser.ts';
import { choicesOf, DEFAULT_BUDGET, noTable, type TuneReport, tune, tuneLimits } from '../../src/tune/index.ts';
import { runCommand, shaderCache } from '../processes.ts';
import { all, atMost, type Context, type Outcome, type Row, seconds } from '../row.ts';

const BATCH_SIZE = 4;
const STEPS = 28;
/** Disturbances only make a step slower, so the faster steps tell more. */
const lowerQuartile = (values: readonly number[]) => quantile(values, 0.25);
/** The least speed of tuned steps, relative to the table's. */
const LEAST_SPEED = 0.98;
const LEAST_SPEED_FROM_NOTHING = 0.95;

export const tuneTable: Row = {
  name: 'tune-table',
  title: 'the tuner’s choices beside the shipped table’s, and its budget cold and warm (keep the machine quiet)',
  minutes: 3,
  ci: false,
  run: async (context) => {
    const cold = await runTune(context);
    const warm = await runTune(context);
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
  title: 'tuning without the shipped table, from the simplest kernel everywhere (keep the machine quiet)',
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

/** Runs the command as a user would. */
async function runTune({ scratch }: Context): Promise<{ readonly seconds: number; readonly report: TuneReport }> {
  const caches = { DAWNGRAD_CACHE: join(scratch, 'cache'), ...shaderCache(join(scratch, 'shader-cache')) };
  const env = { ...process.env, ...caches };
  const { seconds, stdout } = await runCommand('tune', ['--json', '--batch-size', `${BATCH_SIZE}`], { env });
  return { seconds, report: JSON.parse(stdout) as TuneReport };
}

function allMeasured({ results }: TuneReport, name: string): Outcome {
  const measured = results.filter(({ state }) => state === 'measured').length;
  return all(`pieces of work that were measured to the end within the budget, ${name}`, measured, results.length);
}

/** Times fine-tuning steps with both sets of choices, in turn on one device and network, so only the kernels differ. */
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
      // The order alternates, so a machine that becomes slower affects both alike.
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
      // With equal kernels the ratio measures only how quiet the machine was.
      bar: `at least ${least} times, or the same kernels`,
      holds: speed >= least || different.length === 0,
    };
  } finally {
    gpu.close();
  }
}

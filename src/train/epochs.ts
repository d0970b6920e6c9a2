/** The epochs of a run, from wherever it stands, and what they leave in its folder. */
import { Watchdog } from '../gpu/watchdog.ts';
import { writtenInput } from '../input-spec.ts';
import { type HostBatch, valStep } from '../models/step.ts';
import type { Phase, TutorialMode } from '../models/types.ts';
import type { NumberSettings } from '../plan/index.ts';
import type { Best } from './best.ts';
import { adapterKind, bestMetadata, describeChoice, packageVersion, runConfig, type WeightsFile } from './config.ts';
import { DivergenceWatch } from './divergence.ts';
import type { DivergedAt, DivergedError } from './errors.ts';
import type { Fingerprint } from './fingerprint.ts';
import { judgeBest, judgeTest } from './judge-best.ts';
import { type TimedTraining, timeTrainStep } from './kernel-times.ts';
import { MaskWords } from './mask-words.ts';
import type { OnDivergence } from './options.ts';
import { type PhaseProgress, type PhaseTotals, runPhase } from './phase.ts';
import { pictureName } from './pictures.ts';
import type { Recipe } from './recipe.ts';
import { criterionOf } from './regularization.ts';
import type { RunFolder } from './run-folder.ts';
import { RunPictures } from './run-pictures.ts';
import { writeRunReport } from './run-report.ts';
import { runStart } from './run-start.ts';
import { type Position, type RunState, stopsEarly } from './run-state.ts';
import { Saver } from './saver.ts';
import type { Rates } from './schedule.ts';
import { scoreSet } from './score-set.ts';
import type { SetUp } from './set-up.ts';
import type { PhaseMetrics, Reporter, RunSegment, RunSummary, State } from './types.ts';

/** The parts of a run. */
export interface Run extends SetUp {
  readonly mode: TutorialMode;
  readonly settings: NumberSettings;
  readonly recipe: Recipe;
  /** Absolute path. */
  readonly data: string;
  readonly weights: WeightsFile | null;
  readonly demo: boolean;
  readonly checks: boolean | null;
  readonly fingerprint: Fingerprint;
  readonly onDivergence: OnDivergence;
  readonly folder: RunFolder;
  readonly best: Best<State>;
  readonly drawsPictures: boolean;
  readonly reporter: Reporter | undefined;
  readonly signal: AbortSignal | undefined;
  /** How far an earlier start came; undefined for a new run. */
  readonly before: RunState | undefined;
  /** Hash of best.safetensors if the folder has it. */
  readonly bestHash: string | undefined;
}

export interface EpochsResult {
  readonly summary: RunSummary;
  readonly metrics: readonly PhaseMetrics[];
}

const START: Position = { epoch: 0, phase: 'train', done: null };

/** Runs the epochs that are left. At the end the model has the best weights and is in evaluation mode. */
export async function runEpochs(run: Run): Promise<EpochsResult> {
  const { mode, settings, input, pictures, start, gpu, chooser, rehearsal, model, learner, generator } = run;
  const { loaders, folder, best, reporter, signal, before } = run;
  const { epochs, saveEvery } = settings;
  const { classes } = pictures;
  const steps = { train: loaders.train.length, val: loaders.val.length };
  const from = before?.position ?? START;
  const metrics: PhaseMetrics[] = [...(before?.metrics ?? [])];

  const writeConfig = (kernels: Record<string, string>) => {
    const segment: RunSegment = {
      epoch: from.epoch,
      phase: from.phase,
      step: from.done?.step ?? 0,
      dawngrad: packageVersion(),
      node: process.version,
      adapter: gpu.traits.description,
      kernels: describeChoice(kernels, chooser.tuned).hash,
    };
    const segments = [...(before?.segments ?? []), segment];
    folder.writeConfig(runConfig({ ...run, kernels, tuned: chooser.tuned, segments }));
    return segments;
  };
  let segments = writeConfig(rehearsal.choices);
  if (before) folder.restoreMetrics(metrics);
  reporter?.started?.({
    ...runStart(run, { ...run, folder: folder.path }),
    ...(before && {
      resumed: { epoch: from.epoch, phase: from.phase, step: from.done?.step ?? 0, changes: changesIn(segments) },
    }),
  });

  const drawn = run.drawsPictures
    ? new RunPictures({
        ...{ folder, classes, metrics, best, input, reporter },
        ...{ regularization: run.regularization, goesOn: before !== undefined },
      })
    : undefined;
  const startedAt = performance.now();
  const secondsSoFar = () => (before?.seconds ?? 0) + (performance.now() - startedAt) / 1000;
  let finished = from.epoch;
  let stoppedEarly = false;

  const watchdog = new Watchdog(settings.watchdog);
  const divergence = new DivergenceWatch(classes.length, before?.firstLoss);
  let hasDiverged = false;
  /** Phases that have given a result, and so need no new kernels. */
  const compiled = new Set<Phase>();
  const judge = (step: Omit<DivergedAt, 'pictures'>, indices: Int32Array): DivergedError | undefined => {
    const set = pictures[step.phase];
    const names = () => Array.from(indices, (index) => pictureName(step.phase, set, set.samples[index]!.path));
    const error = divergence.see(step, names);
    if (!error || run.onDivergence === 'stop') return error;
    if (!hasDiverged) reporter?.diverged?.(error);
    hasDiverged = true;
    return undefined;
  };

  const stateAt = (position: Position): RunState => ({
    mode,
    settings,
    input: writtenInput(input, start.architecture),
    recipe: run.recipe,
    regularization: run.regularization,
    data: run.data,
    ...run.reading,
    weights: run.weights,
    demo: run.demo,
    classes,
    start,
    fingerprint: run.fingerprint,
    skipped: run.skipped,
    onDivergence: run.onDivergence,
    firstLoss: divergence.start ?? null,
    position,
    metrics: [...metrics],
    segments,
    seconds: secondsSoFar(),
  });
  const saver = new Saver({
    parts: { model, optimizer: learner.optimizer, scheduler: learner.scheduler, gradients: true },
    folder,
    best,
    metadataOf: () => bestMetadata({ mode, settings, input, pictures, reading: run.reading, start, best }),
    watchdog,
    bestHash: run.bestHash,
  });

  let masks = new MaskWords(generator);
  const runners = {
    train: (batch: HostBatch, step: number) => {
      drawn?.seeBatch(batch);
      return masks.during(() => gpu.withChooser(chooser, () => learner.step(batch, step)));
    },
    val: (batch: HostBatch) => gpu.withChooser(chooser, () => valStep(gpu, model, batch)),
  };
  const runOne = async (epoch: number, phase: Phase, done: PhaseProgress | null): Promise<PhaseTotals | undefined> => {
    reporter?.phaseStarted?.(epoch, phase, steps[phase]);
    // Also when only the last layer learns: in the tutorial every batch norm uses and updates its statistics.
    model.train(phase === 'train');
    // A resumed phase draws its random values again, from its start on.
    const drawsFrom = generator.stateDict();
    masks = new MaskWords(generator, done?.words);
    const at = (progress: PhaseProgress | null): Position => ({ epoch, phase, done: progress });
    let stoppedAt: PhaseProgress | undefined;
    const totals = await runPhase({
      epoch,
      phase,
      batches: loaders[phase].epoch(done?.step ?? 0),
      steps: steps[phase],
      run: runners[phase],
      ...(done && { from: done }),
      signal,
      judge,
      watchdog,
      compiles: !compiled.has(phase),
      onStep: (progress) => {
        compiled.add(phase);
        reporter?.stepDone?.(progress);
      },
      onSubmitted: (step) => {
        const due = phase === 'train' && saveEvery > 0 && (step + 1) % saveEvery === 0 && step + 1 < steps.train;
        if (!due) return undefined;
        const captured = saver.capture(drawsFrom);
        const { position } = masks;
        return async (progress) => {
          // The first batch cannot be drawn after a resume.
          await drawn?.drawBatch();
          await saver.save(captured, stateAt(at({ ...progress, ...position })));
        };
      },
      onStopped: (progress) => {
        stoppedAt = { ...progress, ...masks.position };
      },
    });
    // A val phase starts again; it is short, and changes no weight.
    if (!totals) {
      await drawn?.drawBatch();
      await saver.save(saver.capture(drawsFrom), stateAt(at(phase === 'val' ? null : (stoppedAt ?? done))));
    }
    return totals;
  };
  const note = (epoch: number, phase: Phase, rates: Rates, totals: PhaseTotals) => {
    const { loss, acc, seconds, imagesPerSecond } = totals;
    const row: PhaseMetrics = { epoch, phase, loss, acc, ...rates, seconds, imagesPerSecond };
    metrics.push(row);
    folder.addMetrics(row);
    reporter?.phaseEnded?.(row);
  };

  try {
    for (let epoch = from.epoch; epoch < epochs; epoch++) {
      const resumed = epoch === from.epoch ? from : undefined;
      const begins = !resumed || (resumed.phase === 'train' && !resumed.done);
      stoppedEarly = begins && stopsEarly(metrics, epoch, settings);
      if (stoppedEarly) break;
      reporter?.epochStarted?.(epoch, epochs);
      // Other layers need other kernels.
      if (learner.beginEpoch(epoch)) compiled.delete('train');
      let rates: Rates;
      if (resumed?.phase === 'val') rates = ratesIn(metrics.at(-1)!);
      else {
        const learnt = await runOne(epoch, 'train', resumed?.done ?? null);
        if (!learnt) break;
        rates = learner.scheduler.rates;
        note(epoch, 'train', rates, learnt);
        await drawn?.drawBatch();
        learner.scheduler.afterEpoch();
      }
      const measured = await runOne(epoch, 'val', null);
      if (!measured) break;
      const captured = saver.capture(generator.stateDict());
      if (best.isBetter(measured.acc)) {
        best.replace(await captured.model(), measured.acc, epoch);
        saver.bestChanged();
      }
      note(epoch, 'val', rates, measured);
      finished = epoch + 1;
      await saver.save(captured, stateAt({ epoch: epoch + 1, phase: 'train', done: null }));
      if (epoch === from.epoch) {
        const chosen = chooser.choices;
        const kernels = Object.fromEntries(
          Object.entries(rehearsal.choices).map(([work, variant]) => [work, chosen[work] ?? variant]),
        );
        if (JSON.stringify(kernels) !== JSON.stringify(rehearsal.choices)) segments = writeConfig(kernels);
      }
      reporter?.epochEnded?.(epoch);
    }
    await saver.finish();
  } catch (error) {
    // Draw the metrics up to the failure.
    await drawn?.finish();
    throw error;
  } finally {
    await saver.close();
  }

  const summary: RunSummary = {
    ...(run.demo && { demo: true }),
    mode,
    seed: settings.seed,
    bestValAcc: best.acc,
    bestEpoch: best.epoch,
    epochs: finished,
    interrupted: finished < epochs && !stoppedEarly,
    ...(stoppedEarly && { stoppedEarly }),
    seconds: secondsSoFar(),
    adapter: gpu.traits.description,
    adapterKind: adapterKind(gpu.traits),
    ...(run.skipped.length > 0 && { skipped: run.skipped }),
    segments,
  };
  folder.writeSummary(summary);
  model.loadStateDict(best.state);
  model.eval();
  reporter?.ended?.(summary);
  // All results are on disk. A run stopped before its first val phase ends without compiling more kernels.
  if (finished > 0) {
    const question = { gpu, chooser, model, loader: loaders.val, watchdog };
    await judgeBest({
      ...{ best, data: run.data, split: 'val', loader: loaders.val, folder, reporter, drawn },
      scores: (onScored) => scoreSet({ ...question, onScored }),
    });
    if (pictures.test && !summary.interrupted) await judgeTest({ ...run, watchdog, test: pictures.test });
  }
  await drawn?.finish();
  if (run.drawsPictures) {
    // A start that has trained nothing would compile more kernels for it.
    if (finished > 0 && compiled.has('train')) await timeTrainStep(timedTraining(run, watchdog));
    await writeRunReport({ ...run, watchdog });
  }
  return { summary, metrics };
}

function timedTraining(run: Run, watchdog: Watchdog): TimedTraining {
  const { pictures, regularization, settings, learner, best } = run;
  const criterion = criterionOf(regularization, pictures.classes.length);
  return {
    ...{ ...run, watchdog, pictures: pictures.train.length, optimizer: learner.optimizer, state: best.state },
    step: { criterion, gradClip: settings.gradClip },
  };
}

function ratesIn({ lr, lrBackbone }: PhaseMetrics): Rates {
  return lrBackbone === undefined ? { lr } : { lr, lrBackbone };
}

/** How the last start differs from the one before, a clause for each. */
function changesIn(segments: readonly RunSegment[]): string[] {
  const [then, now] = [segments.at(-2), segments.at(-1)!];
  const names = { adapter: 'adapter', dawngrad: 'dawngrad', node: 'Node', kernels: 'kernel choices' } as const;
  return (Object.keys(names) as (keyof typeof names)[]).flatMap((key) =>
    then && then[key] !== now[key] ? [`${names[key]} ${then[key]} then, ${now[key]} now`] : [],
  );
}

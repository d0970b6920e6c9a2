/** What saving costs: steps of fine-tuning with a save among them beside steps without, in turns. */
import { median } from '../../bench/statistics.ts';
import { Generator } from '../../src/data/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import { Watchdog } from '../../src/gpu/watchdog.ts';
import { resnet18 } from '../../src/models/index.ts';
import { trainStep } from '../../src/models/step.ts';
import { Linear } from '../../src/nn/index.ts';
import { SGD, StepLR } from '../../src/optim/index.ts';
import { Best } from '../../src/train/best.ts';
import { RunFolder, runPhase } from '../../src/train/index.ts';
import type { RunState } from '../../src/train/run-state.ts';
import { Saver } from '../../src/train/saver.ts';
import type { State } from '../../src/train/types.ts';
import { atMost, type Row } from '../row.ts';

const ROUNDS = 9;
/** Steps of a block: long enough that the writing ends within it. */
const STEPS = 6;
/** Steps of the tutorial's epoch; a val step takes about a third of a train step. */
const EPOCH = 61 + 39 / 3;
const BAR = 0.005;
const SIDE = 224;

export const saveCost: Row = {
  name: 'save-cost',
  title: 'the cost of saving at the end of an epoch of fine-tuning (keep the machine quiet)',
  minutes: 4,
  ci: false,
  alone: true,
  run: async ({ scratch }) => {
    const gpu = await openGpu();
    const generator = new Generator(0);
    const model = resnet18(gpu, { random: generator });
    model.fc = new Linear(gpu, model.featureSize, 2, { random: generator });
    const optimizer = new SGD(model.parameters(), { lr: 0.001, momentum: 0.9 });
    const scheduler = new StepLR(optimizer, { stepSize: 7 });
    const folder = new RunFolder(scratch);
    const best = new Best<State>(await model.exportState());
    const saver = new Saver({
      ...{ parts: { model, optimizer, scheduler }, folder, best, bestHash: undefined },
      watchdog: new Watchdog(0),
      metadataOf: () => ({ format: 'pt' }),
    });
    const images = generator.fillNormal(new Float32Array(4 * 3 * SIDE * SIDE), 0, 1) as Float32Array<ArrayBuffer>;
    const batch = {
      images,
      labels: Int32Array.of(0, 1, 0, 1),
      indices: Int32Array.of(0, 1, 2, 3),
      size: 4,
      release() {},
    };
    async function* batches() {
      for (let i = 0; i < STEPS; i++) yield batch;
    }

    /** Seconds of a block. With `saves`, a new best is saved after its first step, which is the dearest case. */
    const block = async (saves: boolean) => {
      await gpu.idle();
      const started = performance.now();
      await runPhase({
        ...{ epoch: 0, phase: 'train', batches: batches(), steps: STEPS },
        run: (one) => trainStep(gpu, model, optimizer, one),
        onSubmitted: (step) => {
          if (!saves || step !== 0) return undefined;
          const captured = saver.capture(generator.stateDict());
          return async () => {
            best.replace(await captured.model(), best.acc, 0);
            saver.bestChanged();
            await saver.save(captured, { metrics: [] } as unknown as RunState);
          };
        },
      });
      await saver.finish();
      return (performance.now() - started) / 1000;
    };

    await block(true);
    const [plain, saving]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      for (const saves of round % 2 === 0 ? [false, true] : [true, false])
        (saves ? saving : plain).push(await block(saves));
    }
    await saver.close();
    folder.close();
    gpu.close();
    const epoch = (median(plain) / STEPS) * EPOCH;
    const extra = median(saving.map((seconds, i) => seconds - plain[i]!));
    const percent = (value: number) => `${(100 * value).toFixed(2)} %`;
    return [
      atMost(
        `a save of weights, momentum and new best weights takes ${extra.toFixed(2)} s more than the steps around it, of an epoch of ${epoch.toFixed(0)} s`,
        extra / epoch,
        BAR,
        percent,
      ),
    ];
  },
};

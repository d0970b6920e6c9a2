/** Resident memory of fine-tuning at batch 4, over ten epochs of a part of the pictures. */
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Row } from '../row.ts';
import { runTrain } from '../train-run.ts';

const PICTURES = { train: 32, val: 12 };
/** What the heap and the allocator may wobble; a leak of one activation per epoch (3 MB and more) is beyond it. */
const WOBBLE = 30e6;

export const memory: Row = {
  name: 'memory',
  title: 'resident memory of fine-tuning at batch 4, ten epochs',
  minutes: 4,
  // Resident memory wobbles by more than the bar allows on some machines.
  ci: false,
  run: async (context) => {
    const data = join(context.scratch, 'data');
    for (const phase of ['train', 'val'] as const) {
      for (const name of ['ants', 'bees']) {
        const source = join(context.data, phase, name);
        mkdirSync(join(data, phase, name), { recursive: true });
        const files = readdirSync(source).filter((file) => file.endsWith('.jpg'));
        for (const file of files.slice(0, PICTURES[phase]))
          symlinkSync(join(source, file), join(data, phase, name, file));
      }
    }
    const flags = ['--data', data, '--weights', context.weights, '--epochs', '10'];
    const { resident, peakResident } = await runTrain(join(context.scratch, 'run'), flags);
    const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
    const growth = resident.at(-1)! - resident[3]!;
    return [
      { what: 'peak', figure: megabytes(peakResident), bar: 'at most 2000 MB', holds: peakResident <= 2e9 },
      {
        what: 'growth from the end of epoch 2 to the end of epoch 10',
        figure: megabytes(growth),
        bar: `none: at most ${megabytes(WOBBLE)}, the allocator's wobble`,
        holds: growth <= WOBBLE,
      },
    ];
  },
};

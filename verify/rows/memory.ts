/** Resident memory of fine-tuning at batch 4, over ten epochs with a part of the pictures. */
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { median } from '../../bench/statistics.ts';
import { flagsOf } from '../processes.ts';
import { atMost, megabytes, type Row } from '../row.ts';
import { runTrain } from '../train-run.ts';

const PICTURES = { train: 32, val: 12 };
/**
 * Resident memory varies by some 40 MB from epoch to epoch, with the state of garbage collection, so medians of three
 * epochs are compared. Six epochs lie between them: a leak of one activation per step is 600 MB by then.
 */
const WOBBLE = 30e6;

export const memory: Row = {
  name: 'memory',
  title: 'resident memory of fine-tuning at batch 4, ten epochs',
  minutes: 5,
  // The heap may grow once by 30 MB, so one run meets the bar and the next misses it.
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
    const flags = flagsOf({ data, weights: context.weights, epochs: 10 });
    const { metrics, resident, peakResident } = await runTrain(join(context.scratch, 'run'), flags);
    const ends = resident.filter((_, i) => metrics[i]!.phase === 'val');
    // Epochs counted from 1: the median of 2 to 4, and that of 8 to 10.
    const growth = median(ends.slice(7)) - median(ends.slice(1, 4));
    const listed = ends.map(megabytes).join(', ');
    return [
      atMost('peak', peakResident, 1.2e9, megabytes),
      atMost(`growth, median of epochs 2 to 4 to median of epochs 8 to 10 (${listed})`, growth, WOBBLE, megabytes),
    ];
  },
};

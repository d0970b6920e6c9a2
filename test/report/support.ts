/** A run folder with made-up results, for tests of pages. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Judgement, judge } from '../../src/judge/index.ts';

/** Names that would break a page that did not escape them. */
export const NAMES = ['<script>alert(1)</script>', '"><img src=x onerror=alert(2)>', 'مثلث', '👩‍🔬 a\u202eb'] as const;

/** Path of a data folder that no page may tell. */
export const SECRET = '/private/home/someone';

/** Of each class one picture is right, the other taken for the next class. @param turn which of the two */
export function judgement(turn = 0): Judgement {
  const truths = NAMES.flatMap((_, label) => [label, label]);
  const probabilities = truths.flatMap((truth, i) => {
    const row: number[] = NAMES.map(() => 0.1);
    row[(truth + ((i + turn) % 2)) % NAMES.length] = 0.7;
    return row;
  });
  const paths = truths.map((truth, i) => `val/${NAMES[truth]!.replaceAll('/', '∕')}/${i} 'x' &amp;.png`);
  const source = { data: join(SECRET, 'insects'), split: 'val', weights: 'best.safetensors', epoch: 1 };
  return { version: 1, ...source, ...judge({ classes: [...NAMES], paths, truths, probabilities }) };
}

const KERNELS = {
  ...{ version: 1, work: 'training step', batchSize: 4, imageSize: 32, timed: true, milliseconds: 20 },
  kernels: [
    { family: 'conv2d', pass: 'weightGrad', kernel: 'rows_<i>', calls: 20, milliseconds: 10, share: 0.5 },
    { family: 'conv2d', pass: 'weightGrad', kernel: 'winograd', calls: 3, milliseconds: 4, share: 0.2 },
    { family: 'a <b>new</b> one', pass: null, kernel: 'x', calls: 1, milliseconds: 6, share: 0.3 },
  ],
};

/** Writes a run of two epochs. @returns its folder */
export function writeRun(folder: string, { judged = true, lr = 0.01, turn = 0 } = {}): string {
  mkdirSync(folder, { recursive: true });
  const adapter = { kind: 'software', description: 'llvmpipe <&>' };
  const config = {
    ...{ dawngrad: '0.1.0', node: 'v20', mode: 'finetune', epochs: 2, batchSize: 4, lr, imageSize: 32, seed: 0 },
    ...{ onDivergence: 'stop', data: join(SECRET, 'insects'), classes: NAMES, pictures: { train: 40, val: 8 } },
    ...{ architecture: 'resnet18', weights: { file: join(SECRET, 'resnet18.pth'), sha256: 'abc' }, lastLayer: 'drawn' },
    ...{ adapter, checks: true, kernels: { 'conv2d 3x3 <x>': 'rows' }, skipped: ['train/<i>/broken.png'] },
  };
  const rows = [0, 1].flatMap((epoch) =>
    ['train', 'val'].map((phase) => ({
      epoch,
      phase,
      loss: epoch === 1 && phase === 'val' ? null : 0.5,
      acc: 0.5,
      lr,
      seconds: 1,
      imagesPerSecond: 8,
    })),
  );
  const summary = { bestValAcc: 0.5, bestEpoch: 1, epochs: 2, interrupted: false, seconds: 62, segments: [] };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'metrics.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  writeFileSync(join(folder, 'summary.json'), JSON.stringify(summary));
  writeFileSync(join(folder, 'kernels.json'), JSON.stringify(KERNELS));
  if (judged) writeFileSync(join(folder, 'judgement.json'), JSON.stringify(judgement(turn)));
  return folder;
}

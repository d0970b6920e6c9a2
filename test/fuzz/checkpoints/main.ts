/**
 * `npm run fuzz -- --checkpoints` reads mutated checkpoints until some fail or the user stops it. `--count N` and
 * `--seconds T` end it earlier, `--seed S` chooses the files, `--from I` starts with the I-th, and `--case I` writes that
 * file to look at. The files of failures are written too. The exit status is then 1.
 */
import { writeFileSync } from 'node:fs';
import { findTorchPython, NO_TORCH } from '../../../scripts/find-python.ts';
import { printableLines } from '../../../src/printable.ts';
import { caseBytes, describeCheckpoints, runCheckpoints } from './campaign.ts';

const PROGRESS_MS = 5000;

export interface CheckpointFlags {
  readonly seed: number;
  readonly count: number | undefined;
  readonly seconds: number | undefined;
  readonly from: number | undefined;
  readonly case: number | undefined;
}

/** @returns the exit status */
export async function fuzzCheckpoints({ seed, count, seconds, from, case: only }: CheckpointFlags): Promise<number> {
  console.log(`seed ${seed}`);
  if (only !== undefined) {
    writeCase(seed, only);
    return 0;
  }
  const python = findTorchPython();
  if (!python) console.log(`!! WITHOUT PYTORCH: no values are compared. ${NO_TORCH}.`);
  let shown = performance.now();
  const summary = await runCheckpoints({
    ...{ seed, count, seconds, from, python },
    onProgress: (soFar) => {
      if (performance.now() - shown < PROGRESS_MS) return;
      shown = performance.now();
      console.log(`${soFar.seconds.toFixed(0)} s: ${describeCheckpoints(soFar)}`);
    },
  });
  console.log(describeCheckpoints(summary));
  for (const { index, message } of summary.failures) {
    console.log(`\nFAILED: case ${index}: ${printableLines(message)}`);
    writeCase(seed, index);
  }
  return summary.failures.length > 0 ? 1 : 0;
}

function writeCase(seed: number, index: number): void {
  const { name, bytes } = caseBytes(seed, index);
  const path = `fuzz-checkpoint-${seed}-${index}.bin`;
  writeFileSync(path, bytes);
  console.log(`${path}: ${name}, mutated; ${bytes.length} bytes`);
}

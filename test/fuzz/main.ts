/**
 * `npm run fuzz` runs random programs on the engine and compares them with PyTorch and with finite differences, until
 * one fails or the user stops it. `--count N` and `--seconds T` end it earlier, `--seed S` chooses the programs, and
 * `--replay FILE` runs one again. `--with NAME,NAME` switches capabilities of `capabilities.ts` on.
 * `--checkpoints` reads mutated checkpoints instead: see checkpoints/main.ts.
 * `--pictures` mutates picture files instead, and compares with Pillow; `--first N` begins with the N-th,
 * `--format tiff` mutates only such files.
 * A failing program is shrunk, printed, and written to a file. The exit status is then 1.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { readCommandLine } from '../../scripts/command-line.ts';
import { findTorchPython, NO_TORCH } from '../../scripts/find-python.ts';
import { describe, runCampaign, type Summary } from './campaign.ts';
import { CAPABILITIES, type Capabilities } from './capabilities.ts';
import { fuzzCheckpoints } from './checkpoints/main.ts';
import type { Failure } from './compare.ts';
import { Devices } from './devices.ts';
import { judge, settle } from './judge.ts';
import { fuzzPictures } from './pictures/command.ts';
import type { Program } from './program.ts';
import { TorchPrograms } from './torch.ts';

const FILE = 'fuzz-failure.json';
const PROGRESS_MS = 5000;

async function main(argv: string[]): Promise<number> {
  const { values } = readCommandLine({
    args: argv,
    options: {
      ...{ count: { type: 'string' }, seconds: { type: 'string' }, seed: { type: 'string' } },
      ...{
        with: { type: 'string' },
        replay: { type: 'string' },
        out: { type: 'string' },
        'shrink-seconds': { type: 'string' },
        pictures: { type: 'boolean' },
        first: { type: 'string' },
        format: { type: 'string' },
      },
      ...{ checkpoints: { type: 'boolean' }, from: { type: 'string' }, case: { type: 'string' } },
    },
  });
  if (values.checkpoints) {
    return fuzzCheckpoints({
      seed: wholeNumber('seed', values.seed) ?? Date.now() % 2 ** 31,
      count: wholeNumber('count', values.count),
      seconds: wholeNumber('seconds', values.seconds),
      from: wholeNumber('from', values.from),
      case: wholeNumber('case', values.case),
    });
  }
  const python = findTorchPython();
  if (values.pictures) {
    if (!python) console.log(`!! WITHOUT PILLOW: only crashes, hangs, memory and unclear errors. ${NO_TORCH}.`);
    const [count, seconds, first] = (['count', 'seconds', 'first'] as const).map((name) =>
      wholeNumber(name, values[name]),
    );
    const seed = wholeNumber('seed', values.seed) ?? Date.now() % 2 ** 31;
    console.log(`seed ${seed}`);
    return fuzzPictures({ seed, python, count, seconds, first, out: values.out, format: values.format });
  }
  if (!python) console.log(`!! WITHOUT PYTORCH: only finite differences, equal bits and poisoned memory. ${NO_TORCH}.`);
  const torch = python ? new TorchPrograms(python) : undefined;
  try {
    if (values.replay !== undefined) return await replay(values.replay, torch);
    const seed = wholeNumber('seed', values.seed) ?? Date.now() % 2 ** 31;
    console.log(`seed ${seed}`);
    let shown = performance.now();
    const summary = await runCampaign({
      seed,
      torch,
      capabilities: capabilitiesWith(values.with),
      count: wholeNumber('count', values.count),
      seconds: wholeNumber('seconds', values.seconds),
      shrinkSeconds: wholeNumber('shrink-seconds', values['shrink-seconds']) ?? 60,
      differences: 'all',
      onProgram: (_, soFar) => {
        if (performance.now() - shown < PROGRESS_MS) return;
        shown = performance.now();
        console.log(`${soFar.seconds.toFixed(0)} s: ${describe(soFar)}`);
      },
    });
    console.log(`device: ${summary.device}\n${describe(summary)}`);
    if (summary.worstOf)
      console.log(`worst: ${summary.worstOf.name} of the program with seed ${summary.worstOf.program.seed}`);
    return report(summary, values.out ?? FILE);
  } finally {
    torch?.close();
  }
}

function report({ failure }: Summary, path: string): number {
  if (!failure) return 0;
  console.log(
    `\nFAILED, with ${failure.program.statements.length} statements left of ${failure.original.statements.length}:`,
  );
  print(failure.failures);
  console.log(JSON.stringify(failure.program, null, 1));
  writeFileSync(path, JSON.stringify(failure, null, 1));
  console.log(`\nTo run it again: npm run fuzz -- --replay ${path}`);
  return 1;
}

/** Runs the program in a file: a bare program, or a file that this command wrote. */
async function replay(path: string, torch: TorchPrograms | undefined): Promise<number> {
  const read = JSON.parse(readFileSync(path, 'utf8')) as Program | { readonly program: Program };
  const program = 'program' in read ? read.program : read;
  const devices = new Devices();
  try {
    const settled = await settle(program, torch);
    const verdict = await judge(settled, { devices, torch, differences: 'all', twice: true });
    console.log(
      `device: ${devices.description}, as ${program.device}; at most ${verdict.worst.toFixed(2)} times PyTorch's own error`,
    );
    console.log(verdict.failures.length === 0 ? 'nothing is wrong' : 'FAILED:');
    print(verdict.failures);
    return verdict.failures.length === 0 ? 0 : 1;
  } finally {
    devices.close();
  }
}

function print(failures: readonly Failure[]): void {
  for (const { kind, message } of failures) console.log(`  ${kind}: ${message}`);
}

/** The engine's capabilities and the named ones, to try programs that use them. */
function capabilitiesWith(names = ''): Capabilities {
  const added = names.split(',').filter((name) => name !== '');
  for (const name of added) {
    if (!(name in CAPABILITIES))
      throw new RangeError(`--with ${name}: no such capability. Choose from ${Object.keys(CAPABILITIES).join(', ')}.`);
  }
  return { ...CAPABILITIES, ...Object.fromEntries(added.map((name) => [name, true])) };
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`--${name} takes a whole number of at least 0, got ${JSON.stringify(text)}.`);
}

process.exitCode = await main(process.argv.slice(2));

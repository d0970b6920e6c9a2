/** Runs one program in every way, and lists its failures. */
import type { Tensor } from '../../src/autograd/index.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { compareBits, compareWithTorch, type Failure, findPoison } from './compare.ts';
import type { Devices } from './devices.ts';
import { checkDifferences, type DifferenceCheck } from './finite-differences.ts';
import type { Op, Program } from './program.ts';
import { type RunResult, runProgram } from './run.ts';
import type { TorchAnswer, TorchPrograms } from './torch.ts';
import { meetsKinks, PLAIN_AFTER } from './values.ts';

export interface Verdict {
  /** The program as it ran, perhaps with values drawn anew. */
  readonly program: Program;
  readonly failures: readonly Failure[];
  /** Whether the program was compared with PyTorch. */
  readonly compared: boolean;
  /** The largest error in units of PyTorch's own. */
  readonly worst: number;
  readonly worstName: string;
  readonly tensors: number;
  readonly differences: Readonly<Record<DifferenceCheck['outcome'], number>>;
}

export interface JudgeOptions {
  readonly devices: Devices;
  /** If undefined, only finite differences, equal bits and poison are checked. */
  readonly torch: TorchPrograms | undefined;
  readonly tamper?: ((op: Op, result: Tensor) => Tensor) | undefined;
  /** The backwards of a program to compare with finite differences: the last one, or all. */
  readonly differences?: 'last' | 'all';
  /** Also check that a second run gives the same bits. */
  readonly twice?: boolean;
}

/** A program with values away from all kinks, and PyTorch's answer. No answer if no such values were found. */
export interface Settled {
  readonly program: Program;
  readonly answer: TorchAnswer | undefined;
  /** Whether PyTorch met values as large as those of poisoned memory, so that these mean nothing. */
  readonly isLarge?: boolean;
}

/** How often values are drawn anew before a program is given up. */
const REDRAWS = 5;

/** What torch_programs.py answers then. */
const VERY_LARGE = 'a value that is not finite, or very large';

/** Draws a program's values until none of them comes near a kink. */
export async function settle(program: Program, torch: TorchPrograms | undefined): Promise<Settled> {
  if (!torch) return { program, answer: undefined };
  let isLarge = false;
  for (let { redraw } = program; redraw <= REDRAWS; redraw++) {
    const drawn = { ...program, redraw };
    const answer = await torch.ask(drawn);
    if (answer.near.length === 0) return { program: drawn, answer };
    isLarge ||= answer.near.includes(VERY_LARGE);
  }
  return { program: { ...program, redraw: REDRAWS + 1 }, answer: undefined, isLarge };
}

/** Judges a settled program. */
export async function judge({ program, answer, isLarge = false }: Settled, options: JudgeOptions): Promise<Verdict> {
  const { devices, tamper, twice = false } = options;
  const nothing = { program, compared: false, worst: 0, worstName: '', tensors: 0 };
  const differences = { agrees: 0, unsure: 0, differs: 0 };
  const gpu = await devices.of(program);
  let result: RunResult;
  const failures: Failure[] = [];
  try {
    // Finite differences mean nothing at a kink. A program with values on kinks has a separate run for them.
    const apart = meetsKinks(program);
    result = await runProgram(gpu, program, { trace: !apart, tamper });
    const traced = apart ? await runProgram(gpu, { ...program, redraw: PLAIN_AFTER }, { trace: true, tamper }) : result;
    for (const message of result.unthrown) failures.push({ kind: 'no error', message });
    const backwards = options.differences === 'all' ? traced.backwards : traced.backwards.slice(-1);
    for (const backward of backwards) {
      for (const check of await checkDifferences(backward)) {
        differences[check.outcome]++;
        if (check.outcome === 'differs') failures.push(mismatch(backward.loss, check));
      }
    }
    if (apart) traced.release();
    const lost = result.release();
    if (lost !== 0) failures.push({ kind: 'leak', message: `${lost} bytes of the pool were not freed` });
    if (twice) failures.push(...compareBits(result.reported, await secondRun(gpu, program, tamper)));
  } catch (error) {
    devices.discard(program.device);
    return { ...nothing, failures: [{ kind: 'crash', message: `${error}` }], differences };
  }
  if (!isLarge) failures.unshift(...findPoison(result.reported));
  if (!answer) return { ...nothing, failures, differences };
  const comparison = compareWithTorch(result.reported, answer);
  return { program, compared: true, ...comparison, failures: [...comparison.failures, ...failures], differences };
}

/** Runs the program again without the copies for finite differences, so that other buffers hold its tensors. */
async function secondRun(gpu: Gpu, program: Program, tamper: JudgeOptions['tamper']): Promise<RunResult['reported']> {
  const { reported, release } = await runProgram(gpu, program, { tamper });
  release();
  return reported;
}

function mismatch(loss: string, { leaf, analytic, numeric }: DifferenceCheck): Failure {
  const message = `backward of ${loss} gives ${leaf} the slope ${analytic}, finite differences ${numeric}`;
  return { kind: 'difference', message };
}

/**
 * Finds a smaller program that fails in the same way. First fast-check makes the draft's numbers smaller and its lists
 * shorter. Then statements are left out, one after the other.
 */
import fc from 'fast-check';
import { buildProgram } from './build.ts';
import type { Origin } from './campaign.ts';
import type { Failure } from './compare.ts';
import { drafts } from './draft.ts';
import { type JudgeOptions, judge, settle, type Verdict } from './judge.ts';
import { whyIllegal } from './legal.ts';
import { inputsOf, type Program, type Statement, walk } from './program.ts';

export interface ShrunkProgram {
  readonly program: Program;
  readonly failures: readonly Failure[];
}

/** @param seconds time for each of the two ways */
export async function shrink(
  { program, failures }: Verdict,
  origin: Origin,
  options: JudgeOptions,
  seconds: number,
): Promise<ShrunkProgram> {
  let best: ShrunkProgram = { program, failures };
  if (seconds <= 0) return best;
  const { kind } = failures[0]!;
  const fails = async (candidate: Program): Promise<boolean> => {
    const found = await failuresOf(candidate, options);
    if (!found.some((failure) => failure.kind === kind)) return false;
    best = { program: candidate, failures: found };
    return true;
  };
  const property = fc.asyncProperty(drafts, async (draft) => !(await fails(buildProgram(draft, program.can))));
  await fc.check(property, {
    seed: origin.seed,
    path: String(origin.index),
    numRuns: 1,
    interruptAfterTimeLimit: 1000 * seconds,
    markInterruptAsFailure: false,
  });
  let before = sizeOf(best.program);
  const deadline = performance.now() + 1000 * seconds;
  // Large parts go first, because most of a program is unrelated to its failure.
  for (let size = Math.ceil(sizeOf(best.program) / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = sizeOf(best.program) - size; at > -size; at -= size) {
      if (performance.now() > deadline) return best;
      await fails(without(best.program, Math.max(0, at), size));
    }
    // Another round follows, because a statement may become needless when another one is gone.
    if (size === 1 && sizeOf(best.program) < before) [size, before] = [2, sizeOf(best.program)];
  }
  return best;
}

/** The failures of a candidate. A program that is not valid has none. */
async function failuresOf(program: Program, options: JudgeOptions): Promise<readonly Failure[]> {
  if (whyIllegal(program) !== undefined) return [];
  try {
    const settled = await settle({ ...program, redraw: 0 }, options.torch);
    return (await judge(settled, options)).failures;
  } catch {
    return [];
  }
}

const sizeOf = ({ statements }: Program) => [...walk(statements)].length;

/** The program without `size` statements from `first` on, and without tensors that only they named. */
function without(program: Program, first: number, size: number): Program {
  let at = 0;
  const left = (statements: readonly Statement[]): Statement[] =>
    statements.flatMap((one): Statement[] => {
      const removed = at >= first && at < first + size;
      at++;
      if (one.do !== 'scope' && one.do !== 'noGrad') return removed ? [] : [one];
      // The statements of a removed block take its place.
      const body = left(one.body);
      if (removed) return body;
      if (one.do === 'noGrad') return [{ ...one, body }];
      const made = outlasting(body);
      return [{ ...one, body, keep: one.keep.filter((name) => made.includes(name)) }];
    });
  return tidied({ ...program, statements: left(program.statements) });
}

/** Removes leaves and optimizers that nothing names. The end disposes results whose scope is gone. */
function tidied(program: Program): Program {
  const all = [...walk(program.statements)];
  const stepped = new Set(all.flatMap((one) => ('optimizer' in one ? [one.optimizer] : [])));
  const named = new Set(all.flatMap((one) => (one.do === 'op' ? inputsOf(one.op) : 'loss' in one ? [one.loss] : [])));
  for (const index of stepped) {
    // An optimizer needs at least one leaf.
    const { parameters } = program.optimizers[index]!;
    if (!parameters.some((name) => named.has(name))) named.add(parameters[0]!);
  }
  const leaves = program.leaves.filter(({ name }) => named.has(name));
  const kept = [...stepped].sort();
  const optimizers = kept.map((index) => {
    const { parameters, ...rest } = program.optimizers[index]!;
    return { ...rest, parameters: parameters.filter((name) => named.has(name)) };
  });
  const text = JSON.stringify(program.statements, (key, value) => (key === 'optimizer' ? kept.indexOf(value) : value));
  const results = new Set(outlasting(program.statements));
  for (const one of all) if (one.do === 'dispose') results.delete(one.tensor);
  const end = [...results, ...leaves.map(({ name }) => name), ...kept.map((_, i) => `sgd${i}`)];
  const order = (name: string) => (program.end.includes(name) ? program.end.indexOf(name) : -1);
  end.sort((a, b) => order(a) - order(b));
  return { ...program, leaves, optimizers, statements: JSON.parse(text) as Statement[], end };
}

/** Results that no scope disposes. */
function outlasting(statements: readonly Statement[]): string[] {
  return statements.flatMap((one) => {
    if (one.do === 'op') return [one.out];
    if (one.do === 'noGrad') return outlasting(one.body);
    return one.do === 'scope' ? one.keep.filter((name) => outlasting(one.body).includes(name)) : [];
  });
}

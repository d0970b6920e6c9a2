/**
 * A smaller program that fails in the same way: first by fast-check, which makes the draft's numbers smaller and its lists
 * shorter, then by leaving out statements, one after the other.
 */
import fc from 'fast-check';
import { buildProgram } from './build.ts';
import type { Origin } from './campaign.ts';
import type { Failure } from './compare.ts';
import { drafts } from './draft.ts';
import { type JudgeOptions, judge, settle, type Verdict } from './judge.ts';
import { inputsOf, type Program, type Statement, walk } from './program.ts';

export interface ShrunkProgram {
  readonly program: Program;
  readonly failures: readonly Failure[];
}

/** @param seconds for each of the two ways */
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
  const deadline = performance.now() + 1000 * seconds;
  for (let smaller = true; smaller; ) {
    smaller = false;
    for (const candidate of smallerPrograms(best.program)) {
      if (performance.now() > deadline) return best;
      if (!(await fails(candidate))) continue;
      smaller = true;
      break;
    }
  }
  return best;
}

/** A candidate that is no valid program fails in no way at all. */
async function failuresOf(program: Program, options: JudgeOptions): Promise<readonly Failure[]> {
  try {
    const settled = await settle({ ...program, redraw: 0 }, options.torch);
    return (await judge(settled, options)).failures.filter(({ message }) => !message.includes('before it makes it'));
  } catch {
    return [];
  }
}

/** The programs with one statement less, or without a block around statements, or without a leaf or an optimizer. */
function* smallerPrograms(program: Program): Generator<Program> {
  const count = [...walk(program.statements)].length;
  for (let at = count - 1; at >= 0; at--) {
    const statements = without(program.statements, { at });
    yield tidied({ ...program, statements });
  }
}

/** The statements without the one at this place; of a block, its statements take its place. */
function without(statements: readonly Statement[], place: { at: number }): Statement[] {
  return statements.flatMap((one): Statement[] => {
    const here = place.at-- === 0;
    if (one.do !== 'scope' && one.do !== 'noGrad') return here ? [] : [one];
    const body = without(one.body, place);
    return here ? body : [{ ...one, body }];
  });
}

/** Without leaves that nothing names. What scopes dispose has to be disposed where there is no scope any more. */
function tidied(program: Program): Program {
  const all = [...walk(program.statements)];
  const named = new Set(all.flatMap((one) => (one.do === 'op' ? inputsOf(one.op) : [])));
  for (const one of all) if ('loss' in one) named.add(one.loss);
  const leaves = program.leaves.filter(({ name }) => named.has(name));
  const left = new Set(leaves.map(({ name }) => name));
  const optimizers = program.optimizers.map((one) => ({
    ...one,
    parameters: one.parameters.filter((name) => left.has(name)),
  }));
  const results = new Set(outlasting(program.statements));
  for (const one of all) if (one.do === 'dispose') results.delete(one.tensor);
  const known = program.end.filter((name) => left.has(name) || results.has(name) || name.startsWith('sgd'));
  return { ...program, leaves, optimizers, end: [...known, ...[...results].filter((name) => !known.includes(name))] };
}

/** Results that no scope disposes. */
function outlasting(statements: readonly Statement[]): string[] {
  return statements.flatMap((one) => {
    if (one.do === 'op') return [one.out];
    if (one.do === 'noGrad') return outlasting(one.body);
    return one.do === 'scope' ? one.keep.filter((name) => outlasting(one.body).includes(name)) : [];
  });
}

/** The losses of the first steps of a program in examples/, as it prints them. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The programs that train, each with a twin in verify/python/examples. */
export const EXAMPLES = ['spirals', 'gan', 'transformer'] as const;
export type TrainingExample = (typeof EXAMPLES)[number];

/** Steps that are compared. */
const STEPS = 10;

/** Runs the program until it has printed ten steps. Returns the numbers of each: one or more losses. */
export async function lossesOf(name: TrainingExample): Promise<number[][]> {
  const file = fileURLToPath(new URL(`../examples/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let messages = '';
  child.stderr.on('data', (text) => {
    messages += text;
  });
  const losses: number[][] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const step = /^step \d+: (.*)$/.exec(line)?.[1];
    if (step === undefined) continue;
    losses.push(Array.from(step.matchAll(/\d+\.\d+(?:e-\d+)?/g), ([number]) => Number(number)));
    if (losses.length === STEPS) break;
  }
  child.kill();
  if (losses.length === STEPS) return losses;
  throw new Error(`examples/${name}.ts printed ${losses.length} of ${STEPS} losses, and:\n${messages}`);
}

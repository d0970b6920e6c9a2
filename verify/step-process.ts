/**
 * Steps of one checkout, for `verify -- beside-before`: `step-process.ts ROOT`. Answers each line `WORK STEPS` with the
 * milliseconds of a step.
 */
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type { Steps as StepsClass, Work } from '../bench/steps.ts';
import type { openGpu as OpenGpu } from '../src/gpu/dawn.ts';

const root = pathToFileURL(`${process.argv[2]}/`);
const load = <T>(path: string): Promise<T> => import(new URL(path, root).href);
const { Steps, WORKS } = await load<{ Steps: typeof StepsClass; WORKS: readonly Work[] }>('bench/steps.ts');
const { openGpu } = await load<{ openGpu: typeof OpenGpu }>('src/gpu/dawn.ts');

const gpu = await openGpu({ checks: true });
const all = new Map<string, StepsClass>();
for (const work of WORKS) {
  const steps = new Steps(gpu, work, { batchSize: 4 });
  await steps.warmUp();
  all.set(work, steps);
}
console.log('ready');
for await (const line of createInterface(process.stdin)) {
  const [work, count] = line.split(' ');
  console.log(await all.get(work!)!.block(Number(count)));
}
gpu.close();

/**
 * Reads one file of `rows/cases.ts` in a process of its own and prints the outcome as JSON. A checkpoint is read as
 * training and `convert` do, a picture as training does.
 */
import { decode } from '../src/data/index.ts';
import { DawngradError } from '../src/errors.ts';
import { architectureOf, readNet } from '../src/models/start.ts';
import { printableLines } from '../src/printable.ts';
import { peakMemory } from '../test/support/peak-memory.ts';
import type { CaseAnswer } from './rows/cases.ts';

const [reads, path] = process.argv.slice(2) as ['checkpoint' | 'picture', string];

const before = peakMemory();
let found: Omit<CaseAnswer, 'memory'>;
try {
  found = reads === 'checkpoint' ? readWeights() : await readPicture();
} catch (error) {
  if (!(error instanceof DawngradError)) throw error;
  found = { refused: printableLines(error.message) };
}
console.log(JSON.stringify({ ...found, memory: peakMemory() - before } satisfies CaseAnswer));

function readWeights(): Omit<CaseAnswer, 'memory'> {
  const net = readNet(path);
  for (const { data } of net.tensors.values()) data.at(0);
  architectureOf(path, net);
  return {};
}

async function readPicture(): Promise<Omit<CaseAnswer, 'memory'>> {
  const { width, height, pixels } = await decode(path);
  return { size: [width, height], pixel: [pixels[0]!, pixels[1]!, pixels[2]!] };
}

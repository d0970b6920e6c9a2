/**
 * The process that reads mutated files; `campaign.ts` watches it. It gets ranges of cases and answers with what it saw.
 * Files that were read stay in `kept` until PyTorch has read them too.
 */

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { peakMemory } from '../../support/peak-memory.ts';
import { examine, examineOnnx, type Signature } from './examine.ts';
import { makeCase } from './mutate.ts';
import { readSeeds } from './seeds.ts';

/** The cases of numbers from `from` to below `to`. */
export interface Order {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** Whether files of torch's formats that were read are kept for PyTorch. */
  readonly keep: boolean;
}

export interface Kept {
  readonly index: number;
  readonly path: string;
  readonly tensors: readonly Signature[];
}

export interface Answer {
  readonly order: Order;
  /** Files that were read, not refused. */
  readonly read: number;
  readonly kept: readonly Kept[];
  readonly failures: readonly { readonly index: number; readonly message: string }[];
  /** The longest time of one case, of the processor: other processes may take what the clock says. */
  readonly slowestMs: number;
  /** Most memory of this process so far, in bytes. */
  readonly peak: number;
}

/** One in so many files is written with a temporary file and fsync, which take longer than all else. */
const ATOMIC_EVERY = 64;

const folder = process.argv[2]!;
const [work, kept] = [join(folder, 'work'), join(folder, 'kept')];
for (const one of [work, kept]) mkdirSync(one, { recursive: true });
const seeds = readSeeds();
const paths = [join(work, 'case.bin'), join(work, 'out.safetensors')] as const;

process.on('message', async (order: Order) => process.send!(await run(order)));
process.on('disconnect', () => process.exit(0));

async function run(order: Order): Promise<Answer> {
  const answer = { order, read: 0, kept: [] as Kept[], failures: [] as { index: number; message: string }[] };
  let slowestMs = 0;
  for (let index = order.from; index < order.to; index++) {
    const { name, bytes } = makeCase(seeds, order.seed, index);
    writeFileSync(paths[0], bytes);
    const started = cpuMs();
    const { tensors, failure } = name.endsWith('.onnx')
      ? await examineOnnx(paths[0], bytes)
      : examine(paths[0], bytes.length, paths[1], index % ATOMIC_EVERY === 0);
    slowestMs = Math.max(slowestMs, cpuMs() - started);
    if (failure !== undefined) answer.failures.push({ index, message: `${name}: ${failure}` });
    if (tensors === undefined) continue;
    answer.read++;
    if (!order.keep || /\.(safetensors|onnx)$/.test(name)) continue;
    const path = join(kept, `${index}.pth`);
    writeFileSync(path, bytes);
    answer.kept.push({ index, path, tensors });
  }
  for (const path of paths) rmSync(path, { force: true });
  const left = readdirSync(work);
  if (left.length > 0) answer.failures.push({ index: order.to - 1, message: `files were left: ${left.join(', ')}` });
  return { ...answer, slowestMs, peak: peakMemory() };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * `npm run bench:traffic`: the bytes that a fine-tuning step of ResNet-18 must move, and those that it moves with the
 * kernels chosen on this adapter. It records a step on a dry device, and neither runs nor times it.
 *
 * "Moves" assumes that every dispatch reads each operand once and writes each result once. "Must move" assumes the same
 * of a step with all elementwise work fused into kernels that already hold its operands:
 * - A convolution reads two tensors and writes one in each pass, and packs nothing.
 * - Batch norm's statistics are summed where the convolution writes.
 * - The sums of batch norm's gradient are taken where the output gradient is written, which reads batch norm's input.
 * - The two gradients of a residual are added where the second is written, which reads the first.
 * Normalising and its gradient remain separate passes, because they wait for sums.
 */

import { goToUser } from '../src/cli/npm.ts';
import { isProgram } from '../src/cli/program.ts';
import { openGpu } from '../src/gpu/dawn.ts';
import type { AdapterTraits, Dispatch } from '../src/gpu/gpu.ts';
import { chooserOf } from '../src/kernels/chooser.ts';
import { describeConv2d } from '../src/kernels/conv2d/shape.ts';
import { type Conv2dWork, isConv2dWork } from '../src/kernels/conv2d/work.ts';
import { openDryGpu } from '../src/plan/index.ts';
import { sizesOf } from '../src/tune/run-work.ts';
import { costOf, KINDS, type Kind } from './costs.ts';
import { Steps } from './steps.ts';
import { formatTable } from './table.ts';
import { copiedBytes } from './timing.ts';

/** Bytes of one kind of work in a step. */
export interface Traffic {
  readonly kind: Kind;
  readonly must: number;
  readonly moved: number;
}

/** Batch size of the published figures. */
const BATCH = 4;

/** Traffic of a fine-tuning step on an adapter with these traits, by kind, without kinds that move nothing. */
export function stepTraffic(traits: AdapterTraits, batchSize: number, imageSize = 224): Traffic[] {
  const gpu = openDryGpu(traits);
  // The requested sizes: a buffer of the pool may be larger.
  const asked = new Map<number, number>();
  const acquire = gpu.pool.acquire.bind(gpu.pool);
  gpu.pool.acquire = (bytes) => {
    const pooled = acquire(bytes);
    asked.set(pooled.id, bytes);
    return pooled;
  };
  const steps = new Steps(gpu, 'finetune-step', { batchSize, imageSize });
  // The first step creates the momentum.
  steps.submit().dispose();
  const convolutions = new Map(
    chooserOf(gpu)
      .works.filter(isConv2dWork)
      .map((work) => [`${work.pass} ${describeConv2d(work.shape)}`, work]),
  );
  const traffic = new Map(KINDS.map((kind) => [kind, { must: 0, moved: 0 }]));
  let pass = '';
  let lastKind: Kind = 'other';
  const add = (dispatch: Dispatch) => {
    const { kind, bytes } = costOf(dispatch);
    const sum = traffic.get(kind)!;
    lastKind = kind;
    const { access } = dispatch.program;
    const conv = convolutions.get(dispatch.label ?? '');
    const bound = dispatch.buffers.map((pooled) => asked.get(pooled.id) ?? pooled.size);
    // Each phase of a strided input gradient writes only its part of the result.
    const phases = conv?.pass === 'inputGrad' && ['conv2d_rows', 'conv2d_tiled'].includes(dispatch.program.name);
    const parts = phases ? conv.shape.strideHeight * conv.shape.strideWidth : 1;
    const written = (i: number) => ['read_write', 'texture_write'].includes(access[i]!);
    const touched = bytes ?? bound.reduce((total, size, i) => total + (written(i) ? size / parts : size), 0);
    sum.moved += touched;
    if (!conv) sum.must += touched * mustShare(dispatch.program.name);
    else if (dispatch.label !== pass) sum.must += convBytes(conv);
    // The dispatches of one pass of one convolution are consecutive.
    pass = conv ? dispatch.label! : '';
  };
  // Copies into textures belong to the convolution whose kernel wrote the data. They read and write it once more.
  const encode = gpu.encode.bind(gpu);
  gpu.encode = (commands) => {
    traffic.get(lastKind)!.moved += 2 * copiedBytes(commands);
    encode(commands);
  };
  // Sizes must be read during recording: later the buffer may serve another request.
  gpu.onDispatch = add;
  steps.submit().dispose();
  gpu.onDispatch = undefined;
  steps.dispose();
  return KINDS.flatMap((kind) => {
    const { must, moved } = traffic.get(kind)!;
    return moved > 0 ? [{ kind, must, moved }] : [];
  });
}

/** Share of a kernel's bytes that remains when elementwise work is fused. */
function mustShare(kernel: string): number {
  switch (kernel) {
    case 'conv2d_pack':
    case 'conv2d_turn':
    case 'batch_norm_statistics':
      return 0;
    // Of output gradient and input, the input remains; with a residual, one of four tensors.
    case 'batch_norm_backward_sums':
    case 'batch_norm_backward_sums_relu':
      return 1 / 2;
    case 'batch_norm_backward_sums_residual':
      return 1 / 4;
    // Of two reads and one write, one read remains.
    case 'accumulate':
      return 1 / 3;
    default:
      return 1;
  }
}

/** Bytes of input, weights and output of a convolution: each of its three passes reads or writes each once. */
function convBytes(work: Conv2dWork): number {
  const { input, output, weight } = sizesOf(work);
  return 4 * (input + output + weight);
}

/** The table, in megabytes. */
export function formatTraffic(traffic: readonly Traffic[]): string {
  const total = (of: 'must' | 'moved') => traffic.reduce((sum, row) => sum + row[of], 0);
  const rows = [...traffic, { kind: 'all', must: total('must'), moved: total('moved') }];
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
  return formatTable(
    ['kind', '>must move, MB', '>moves, MB', '>times'],
    rows.map(({ kind, must, moved }) => [
      kind,
      megabytes(must),
      megabytes(moved),
      must > 0 ? (moved / must).toFixed(2) : '–',
    ]),
  );
}

if (isProgram(import.meta.url, process.argv[1])) {
  goToUser(process.env, process.argv);
  const gpu = await openGpu();
  gpu.close();
  console.log(`ResNet-18, a fine-tuning step, batch ${BATCH} at 224x224, kernels for ${gpu.traits.description}\n`);
  console.log(formatTraffic(stepTraffic(gpu.traits, BATCH)));
}

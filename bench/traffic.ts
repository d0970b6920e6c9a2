/**
 * `npm run bench:traffic`: the bytes that a fine-tuning step of ResNet-18 must move, and those that it moves with the
 * kernels chosen here. Nothing is run or timed: a step is recorded on a stand-in device.
 *
 * Moved: every dispatch reads each of its operands once and writes its results once. Must: the same for a step in which
 * what goes element by element is done where its operands are at hand. Then a convolution reads two tensors and writes one
 * in each pass and packs nothing; a batch norm's statistics are summed where the convolution writes, its gradient's sums
 * where the output gradient is written, for which its input is read; a residual's two gradients are added where the second
 * is written, for which the first is read. Normalising and its gradient stay passes of their own, as they wait for sums.
 */
import { pathToFileURL } from 'node:url';
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

/** Batch of the figures that are quoted. */
const BATCH = 4;

/** Traffic of a fine-tuning step on an adapter with these traits, by kind, kinds without any left out. */
export function stepTraffic(traits: AdapterTraits, batchSize: number, imageSize = 224): Traffic[] {
  const gpu = openDryGpu(traits);
  // What was asked for: a buffer of the pool may be larger.
  const asked = new Map<number, number>();
  const acquire = gpu.pool.acquire.bind(gpu.pool);
  gpu.pool.acquire = (bytes) => {
    const pooled = acquire(bytes);
    asked.set(pooled.id, bytes);
    return pooled;
  };
  const steps = new Steps(gpu, 'finetune-step', { batchSize, imageSize });
  // The momentum comes with the first step.
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
    // Of a convolution's output each phase of a strided input gradient writes its part.
    const phases = conv?.pass === 'inputGrad' && ['conv2d_rows', 'conv2d_tiled'].includes(dispatch.program.name);
    const parts = phases ? conv.shape.strideHeight * conv.shape.strideWidth : 1;
    const written = (i: number) => ['read_write', 'texture_write'].includes(access[i]!);
    const touched = bytes ?? bound.reduce((total, size, i) => total + (written(i) ? size / parts : size), 0);
    sum.moved += touched;
    if (!conv) sum.must += touched * mustShare(dispatch.program.name);
    else if (dispatch.label !== pass) sum.must += convBytes(conv);
    // What belongs to one pass of one convolution follows one another.
    pass = conv ? dispatch.label! : '';
  };
  // Copies into textures belong to the convolution whose kernel wrote what is copied: they read and write it once more.
  const encode = gpu.encode.bind(gpu);
  gpu.encode = (commands) => {
    traffic.get(lastKind)!.moved += 2 * copiedBytes(commands);
    encode(commands);
  };
  // Sizes as they are when the dispatch is recorded: later the buffer may answer another request.
  gpu.onDispatch = add;
  steps.submit().dispose();
  gpu.onDispatch = undefined;
  steps.dispose();
  return KINDS.flatMap((kind) => {
    const { must, moved } = traffic.get(kind)!;
    return moved > 0 ? [{ kind, must, moved }] : [];
  });
}

/** Share of a kernel's bytes that no fusion of elementwise work saves. */
function mustShare(kernel: string): number {
  switch (kernel) {
    case 'conv2d_pack':
    case 'conv2d_turn':
    case 'batch_norm_statistics':
      return 0;
    // Of output gradient and input the input; with a residual of four tensors one.
    case 'batch_norm_backward_sums':
    case 'batch_norm_backward_sums_relu':
      return 1 / 2;
    case 'batch_norm_backward_sums_residual':
      return 1 / 4;
    // Of two read and one written one that is read.
    case 'accumulate':
      return 1 / 3;
    default:
      return 1;
  }
}

/** Input, weights and output of a convolution, once each: what any of its three passes reads and writes. */
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
    [
      { title: 'kind', align: 'left' },
      { title: 'must move, MB', align: 'right' },
      { title: 'moves, MB', align: 'right' },
      { title: 'times', align: 'right' },
    ],
    rows.map(({ kind, must, moved }) => [
      kind,
      megabytes(must),
      megabytes(moved),
      must > 0 ? (moved / must).toFixed(2) : '–',
    ]),
  );
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const gpu = await openGpu();
  gpu.close();
  console.log(`ResNet-18, a fine-tuning step, batch ${BATCH} at 224x224, kernels for ${gpu.traits.description}\n`);
  console.log(formatTraffic(stepTraffic(gpu.traits, BATCH)));
}

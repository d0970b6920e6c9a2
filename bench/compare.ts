/**
 * Our steps beside another framework's: both processes live at once and work in turn, in short blocks, so that a machine
 * whose speed drifts is equally fast for both. A block is N steps back to back, until the last loss (or the logits) is on
 * the host.
 */
import { DawngradError } from '../src/errors.ts';
import { openGpu } from '../src/gpu/dawn.ts';
import type { Gpu } from '../src/gpu/gpu.ts';
import { Peer, type PeerName, type PeerOptions } from './peer.ts';
import { median } from './statistics.ts';
import { BLOCK, Steps, WORKS, type Work } from './steps.ts';

export type { Work } from './steps.ts';

/** One kind of work, ours and the peer's. */
export interface Pairing {
  readonly work: Work;
  readonly batch: number;
  readonly oursMs: number;
  readonly peerMs: number;
  /** Median over blocks of ours / the peer's, each pair measured one after the other. */
  readonly ratio: number;
}

/** What `npm run bench:compare --json` writes an array of. */
export interface Comparison extends Omit<Pairing, 'peerMs'> {
  readonly pytorchMs: number;
}

/** The same beside TensorFlow.js. */
export interface TfjsComparison extends Omit<Pairing, 'peerMs'> {
  readonly tfjsMs: number;
}

export interface CompareOptions extends Partial<PeerOptions> {
  /** Steps of each kind of work that the peer takes in all; they are cut into blocks. */
  readonly steps?: number | undefined;
  /** Which kinds of work, of those that the peer does; all of them if left out. */
  readonly works?: readonly Work[] | undefined;
  /** Told what is being done, and on what. */
  readonly note?: (text: string) => void;
}

interface PeerDefaults {
  readonly works: readonly Work[];
  /** Of the peer's, in all. */
  readonly steps: number;
  /** Steps of a block, the peer's and ours. */
  readonly block: number;
  readonly oursPerBlock: number;
  /** Steps before those that count. */
  readonly warmUp: number;
}

/**
 * What each peer is compared in, and over how many steps. One of TensorFlow.js takes half a minute on a CPU, in which we take
 * dozens: so three of its steps are enough, between which we take 24.
 */
export const PEER_DEFAULTS: Readonly<Record<PeerName, PeerDefaults>> = {
  pytorch: { works: WORKS, steps: 20, block: BLOCK, oursPerBlock: BLOCK, warmUp: 3 },
  tfjs: { works: ['finetune-step'], steps: 3, block: 1, oursPerBlock: 8, warmUp: 1 },
};

export const BATCH_SIZE = 4;
const IMAGE_SIZE = 224;

/** Beside PyTorch. Throws MissingPeerError where there is none. */
export async function compare(options: CompareOptions = {}): Promise<Comparison[]> {
  const pairings = await comparePeer('pytorch', options);
  return pairings.map(({ work, batch, oursMs, peerMs, ratio }) => ({ work, batch, oursMs, pytorchMs: peerMs, ratio }));
}

/** Beside TensorFlow.js on the same adapter. Throws MissingPeerError where it is not installed. */
export async function compareTfjs(options: CompareOptions = {}): Promise<TfjsComparison[]> {
  const pairings = await comparePeer('tfjs', options);
  return pairings.map(({ work, batch, oursMs, peerMs, ratio }) => ({ work, batch, oursMs, tfjsMs: peerMs, ratio }));
}

async function comparePeer(kind: PeerName, options: CompareOptions): Promise<Pairing[]> {
  const defaults = PEER_DEFAULTS[kind];
  const { batchSize = BATCH_SIZE, imageSize = IMAGE_SIZE, note = () => {} } = options;
  const { works = defaults.works, steps = defaults.steps } = options;
  // First, as it may not be there.
  const peer = await Peer.start(kind, { ...options, batchSize, imageSize });
  try {
    const gpu = await openGpu(options.adapter === undefined ? {} : { adapter: options.adapter });
    try {
      note(`ours: ${gpu.traits.description}`);
      note(`${peer.name}: ${peer.adapter ?? `${peer.threads} threads`}`);
      if (peer.adapter !== undefined && peer.adapter !== gpu.traits.description) {
        throw new DawngradError(
          `${peer.name} runs on ${peer.adapter}, we on ${gpu.traits.description}: nothing to compare.`,
        );
      }
      const pairings: Pairing[] = [];
      for (const work of works) {
        note(work);
        pairings.push(await pair(gpu, peer, work, { batchSize, imageSize, steps, weights: options.weights }));
      }
      return pairings;
    } finally {
      gpu.close();
    }
  } finally {
    peer.end();
  }
}

interface PairOptions {
  readonly batchSize: number;
  readonly imageSize: number;
  readonly steps: number;
  readonly weights: string | undefined;
}

async function pair(gpu: Gpu, peer: Peer, work: Work, options: PairOptions): Promise<Pairing> {
  const ours = new Steps(gpu, work, options);
  try {
    await ours.warmUp();
    const { warmUp, block, oursPerBlock } = PEER_DEFAULTS[peer.kind];
    await peer.time(work, warmUp);
    const pairs: { ours: number; peer: number }[] = [];
    for (let done = 0; done < options.steps; done += block) {
      const count = Math.min(block, options.steps - done);
      pairs.push({ ours: await ours.block(count * (oursPerBlock / block)), peer: await peer.time(work, count) });
    }
    return {
      work,
      batch: options.batchSize,
      oursMs: median(pairs.map((one) => one.ours)),
      peerMs: median(pairs.map((one) => one.peer)),
      ratio: median(pairs.map((one) => one.ours / one.peer)),
    };
  } finally {
    ours.dispose();
  }
}

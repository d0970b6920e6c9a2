/**
 * Our steps and another framework's. Both processes run at once and work in turn, in short blocks, so that drift of the
 * machine's speed affects both alike. A block is N steps back to back, until the last loss (or the logits) is on the
 * host.
 */
import { DawngradError } from '../src/errors.ts';
import { openGpu } from '../src/gpu/dawn.ts';
import type { Gpu } from '../src/gpu/gpu.ts';
import { Peer, type PeerName, type PeerOptions } from './peer.ts';
import { median } from './statistics.ts';
import { BLOCK, type StepOptions, Steps, WORKS, type Work } from './steps.ts';

/** The times of one kind of work. */
export interface Pairing {
  readonly work: Work;
  readonly batch: number;
  readonly oursMs: number;
  readonly peerMs: number;
  /** Median over blocks of ours / the peer's; the two of a pair are measured one after the other. */
  readonly ratio: number;
}

export interface CompareOptions extends Partial<PeerOptions> {
  /** Total steps of the peer for each kind of work; they are cut into blocks. */
  readonly steps?: number | undefined;
  /** By default all that the peer supports. */
  readonly works?: readonly Work[] | undefined;
  /** Called with each device, and with a name before each kind of work. */
  readonly note?: (text: string) => void;
}

interface PeerDefaults {
  readonly works: readonly Work[];
  /** Total steps of the peer. */
  readonly steps: number;
  /** Steps of the peer per block. */
  readonly block: number;
  /** Our steps per block. */
  readonly oursPerBlock: number;
  /** Steps of the peer before the timed ones. */
  readonly warmUp: number;
}

/** TensorFlow.js takes half a minute per step on a CPU, so 3 of its steps suffice; we take 24 in between. */
export const PEER_DEFAULTS: Readonly<Record<PeerName, PeerDefaults>> = {
  pytorch: { works: WORKS, steps: 20, block: BLOCK, oursPerBlock: BLOCK, warmUp: 3 },
  tfjs: { works: ['finetune-step'], steps: 3, block: 1, oursPerBlock: 8, warmUp: 1 },
};

export const BATCH_SIZE = 4;
const IMAGE_SIZE = 224;

/** Compares our steps with a peer's; with TensorFlow.js on the same adapter. @throws MissingPeerError */
export async function compare(kind: PeerName, options: CompareOptions = {}): Promise<Pairing[]> {
  const defaults = PEER_DEFAULTS[kind];
  const { batchSize = BATCH_SIZE, imageSize = IMAGE_SIZE, note = () => {} } = options;
  const { works = defaults.works, steps = defaults.steps, weights, architecture } = options;
  // First, because it may be missing.
  const peer = await Peer.start(kind, { ...options, batchSize, imageSize });
  try {
    const gpu = await openGpu(options.adapter === undefined ? {} : { adapter: options.adapter });
    try {
      note(`ours: ${gpu.traits.description}`);
      note(`${peer.name}: ${peer.adapter ?? `${peer.threads} threads`}`);
      if (peer.adapter !== undefined && peer.adapter !== gpu.traits.description) {
        throw new DawngradError(
          `${peer.name} runs on ${peer.adapter}, dawngrad on ${gpu.traits.description}: choose one by --adapter.`,
        );
      }
      const pairings: Pairing[] = [];
      for (const work of works) {
        note(work);
        pairings.push(await pair(gpu, peer, work, { batchSize, imageSize, steps, weights, architecture }));
      }
      return pairings;
    } finally {
      gpu.close();
    }
  } finally {
    peer.end();
  }
}

async function pair(
  gpu: Gpu,
  peer: Peer,
  work: Work,
  options: StepOptions & { readonly steps: number },
): Promise<Pairing> {
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

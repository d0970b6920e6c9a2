/** The JSON of `npm run bench --json`. Times are milliseconds, rates 10^9 per second. Fields are only ever added. */

import { availableParallelism, cpus } from 'node:os';
import { packageVersion } from '../src/cli/version.ts';
import type { Gpu } from '../src/gpu/gpu.ts';
import type { Architecture } from '../src/models/types.ts';
import type { Kind } from './costs.ts';
import type { Work } from './steps.ts';
import type { TimingMethod } from './timing.ts';
import type { Yardstick } from './yardstick.ts';

/** The machine and the versions. */
export interface Machine {
  /** Version of this package. */
  readonly dawngrad: string;
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly node: string;
  /** For example `linux-x64`. */
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  /** The adapter's name. `driver` is its description. */
  readonly device: string;
  readonly driver: string;
  readonly vendor: string;
  readonly software: boolean;
}

/** The times of a kernel at one of its shapes. */
export interface MeasuredRow {
  readonly kernel: string;
  readonly kind: Kind;
  readonly shape: string;
  /** Occurrences in one step. */
  readonly perStep: number;
  /** Median of one occurrence. */
  readonly ms: number;
  /** Sum of the occurrences in a step, median over steps. */
  readonly msPerStep: number;
  /** Of one occurrence. Either `flops` or `bytes` is null: see costs.ts. */
  readonly flops: number | null;
  readonly bytes: number | null;
  readonly gflops: number | null;
  readonly gbs: number | null;
}

/** The rows of one kind together. */
export interface MeasuredKind {
  readonly kind: Kind;
  readonly pieces: number;
  readonly msPerStep: number;
  readonly gflops: number | null;
}

export interface Share {
  /** `gflops` divided by that of the best matrix product. */
  readonly ofMatmul: number | null;
}

export type KernelRow = MeasuredRow & Share;
export type KindRow = MeasuredKind & Share;

/** Copies from buffers into textures in a step. */
export interface Copies {
  readonly count: number;
  readonly bytes: number;
  readonly ms: number;
}

export interface MeasuredWork<Row = MeasuredRow, KindOfRow = MeasuredKind> {
  readonly work: Work;
  /** Wall time of a step, with steps back to back and no timestamps: median and quartiles over blocks. */
  readonly wallMs: number;
  readonly wallQuartilesMs: readonly [number, number];
  /**
   * Sum of a step's kernels, median over steps. Uploads, copies, gaps between dispatches and the host make up the rest
   * of wallMs. On a busy machine the rows' medians add up to less, because different kernels are delayed in different
   * steps.
   */
  readonly kernelMs: number;
  readonly dispatches: number;
  /** Timed by the clock while repeated, because timestamps do not cover copies. */
  readonly copies: Copies;
  /** Operations of convolutions and linear layers in a step; `gflops` is their rate over wallMs. */
  readonly flops: number;
  readonly gflops: number;
  /** Largest msPerStep first. */
  readonly kernels: readonly Row[];
  readonly kinds: readonly KindOfRow[];
}

export type WorkReport = MeasuredWork<KernelRow, KindRow>;

export interface BenchReport extends Machine {
  /** torchvision's name of the network; absent in older reports, of resnet18. */
  readonly architecture?: Architecture;
  readonly batch: number;
  readonly imageSize: number;
  /** Number of timed steps per kind of work. */
  readonly steps: number;
  /** How kernels were timed. `place`: in real steps, or repeated alone. */
  readonly timing: TimingMethod;
  readonly place: 'step' | 'alone';
  /**
   * The pattern of the kept rows; null keeps all. `dispatches` and `flops` always cover the whole step. So do
   * `kernelMs` and `kinds` unless kernels were timed alone: then only the matching ones were timed.
   */
  readonly only: string | null;
  readonly matmul: Yardstick;
  readonly works: readonly WorkReport[];
}

export function describeMachine(gpu: Gpu): Machine {
  const info = gpu.device.adapterInfo;
  return {
    dawngrad: packageVersion(),
    date: new Date().toISOString(),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    device: info.device || info.architecture || info.vendor || 'unknown',
    driver: info.description || 'unknown',
    vendor: info.vendor,
    software: gpu.traits.kind === 'cpu',
  };
}

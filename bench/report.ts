/** What `npm run bench --json` writes. Times are milliseconds, rates 10^9 per second. Fields are only ever added. */

import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import type { Gpu } from '../src/gpu/gpu.ts';
import type { Kind } from './costs.ts';
import type { Work } from './steps.ts';
import type { TimingMethod } from './timing.ts';
import type { Yardstick } from './yardstick.ts';

/** Where and with what it was measured. */
export interface Machine {
  /** Version of this package. */
  readonly dawngrad: string;
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly node: string;
  /** `linux-x64` and the like. */
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  /** The adapter's name, and its driver as it describes itself. */
  readonly device: string;
  readonly driver: string;
  readonly vendor: string;
  readonly software: boolean;
}

/** A kernel at one of its shapes, as it was measured. */
export interface MeasuredRow {
  readonly kernel: string;
  readonly kind: Kind;
  readonly shape: string;
  /** How often it occurs in one step. */
  readonly perStep: number;
  /** Median of one occurrence. */
  readonly ms: number;
  /** All occurrences of a step together, median over steps. */
  readonly msPerStep: number;
  /** Of one occurrence; null where the other one counts. */
  readonly flops: number | null;
  readonly bytes: number | null;
  readonly gflops: number | null;
  readonly gbs: number | null;
}

/** Rows of one kind together. */
export interface MeasuredKind {
  readonly kind: Kind;
  readonly pieces: number;
  readonly msPerStep: number;
  readonly gflops: number | null;
}

/** Held against the yardstick. */
export interface Share {
  /** gflops as a share of the best matrix product's. */
  readonly ofMatmul: number | null;
}

export type KernelRow = MeasuredRow & Share;
export type KindRow = MeasuredKind & Share;

/** Copies of a step. */
export interface Copies {
  readonly count: number;
  readonly bytes: number;
  readonly ms: number;
}

export interface MeasuredWork<Row = MeasuredRow, KindOfRow = MeasuredKind> {
  readonly work: Work;
  /** Wall time of a step, steps back to back, nothing being timed inside: median and quartiles over blocks. */
  readonly wallMs: number;
  readonly wallQuartilesMs: readonly [number, number];
  /**
   * All kernels of a step together, median over steps; what is missing to wallMs is uploads, copies, gaps between dispatches
   * and the host. The rows' medians add up to less where a busy machine holds up now this kernel and now that.
   */
  readonly kernelMs: number;
  readonly dispatches: number;
  /** What a step copies from buffers into textures: no timestamps tell its time, so all of it was repeated, by the clock. */
  readonly copies: Copies;
  /** Operations of convolutions and linear layers in a step, and their rate in the step's wall time. */
  readonly flops: number;
  readonly gflops: number;
  /** Largest msPerStep first. */
  readonly kernels: readonly Row[];
  readonly kinds: readonly KindOfRow[];
}

export type WorkReport = MeasuredWork<KernelRow, KindRow>;

export interface BenchReport extends Machine {
  readonly batch: number;
  readonly imageSize: number;
  /** Steps of each kind of work that were timed. */
  readonly steps: number;
  /** How kernels were timed, and whether at their place in real steps or repeated alone. */
  readonly timing: TimingMethod;
  readonly place: 'step' | 'alone';
  /**
   * Only rows matching this were kept; null: all. dispatches and flops are of everything all the same, and so are kernelMs
   * and kinds, unless kernels were timed alone: then only what matches was.
   */
  readonly only: string | null;
  readonly matmul: Yardstick;
  readonly works: readonly WorkReport[];
}

export function describeMachine(gpu: Gpu): Machine {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const info = gpu.device.adapterInfo;
  return {
    dawngrad: version,
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

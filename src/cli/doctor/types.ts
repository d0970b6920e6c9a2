/** The doctor's findings: plain data that a child process sends as JSON and that `--json` prints. */
import type { AdapterPreference } from '../../gpu/dawn.ts';
import type { AdapterTraits } from '../../gpu/gpu.ts';

/** An adapter that answered. */
export interface FoundAdapter {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  /** The driver's name and version, as far as the driver reports them. */
  readonly description: string;
  /** Computes on the CPU. */
  readonly software: boolean;
  /** The system's interface behind WebGPU, such as Vulkan; null if it could not be determined. */
  readonly backend: string | null;
  /** Minimum and maximum number of invocations in a subgroup; null without subgroups. */
  readonly subgroup: readonly [number, number] | null;
  readonly features: readonly string[];
  /** Every limit by name, in bytes if the name ends in Size. */
  readonly limits: Readonly<Record<string, number>>;
}

/** The answer to a request for one kind of adapter. */
export interface Answer {
  readonly asked: AdapterPreference;
  readonly found: FoundAdapter | null;
}

/** The compute pass whose result is known. */
export interface CheckResult {
  /** Describes the computation to people. */
  readonly what: string;
  /** The number of computed values, and how many of them are wrong. */
  readonly values: number;
  readonly wrong: number;
  /** The first wrong value: its place, the value found and the value expected. */
  readonly firstWrong: string | null;
  /** Includes the compilation of the shaders. */
  readonly ms: number;
  /** The variant chosen for each work, as in `Chooser.choices`. */
  readonly kernels: Readonly<Record<string, string>>;
}

/** The child process's messages, one line of JSON each, in this order. If it crashes, the rest is missing. */
export type ProbeMessage =
  | { readonly stage: 'adapters'; readonly answers: readonly Answer[] }
  | { readonly stage: 'device'; readonly traits: AdapterTraits }
  | { readonly stage: 'check'; readonly check: CheckResult }
  | { readonly stage: 'failed'; readonly message: string };

/** All messages of the child process together. */
export interface Probe {
  readonly answers: readonly Answer[];
  /** Of the device that was opened. */
  readonly traits: AdapterTraits | null;
  readonly check: CheckResult | null;
  /** Why something is missing. */
  readonly failure: string | null;
  /** Lines about it that drivers and Dawn wrote to stderr. */
  readonly log: readonly string[];
}

/** A cache folder on disk. */
export interface CacheFolder {
  readonly what: string;
  readonly path: string;
  /** Total size of its files; null if there is no such folder. */
  readonly bytes: number | null;
}

/** The findings that do not depend on an adapter. */
export interface Host {
  readonly system: string;
  readonly platform: string;
  readonly versions: Readonly<Record<'node' | 'dawngrad' | 'webgpu' | 'sharp' | 'libvips', string>>;
  /** Why pictures cannot be decoded. */
  readonly picturesFailure: string | null;
  readonly cores: number;
  /** Bytes. `limit` is null unless a container allows less than the total. */
  readonly memory: { readonly total: number; readonly free: number; readonly limit: number | null };
  /** `NAME=value` of the variables that choose a driver. */
  readonly variables: readonly string[];
  readonly caches: readonly CacheFolder[];
}

/** All findings and the conclusions from them. */
export interface Diagnosis {
  readonly good: boolean;
  readonly host: Host;
  readonly probe: Probe;
  /** The kind of adapter that the user asked to examine. */
  readonly asked: AdapterPreference;
  /** The problems, a sentence each. */
  readonly problems: readonly string[];
  /** The remedies, line by line. */
  readonly advice: readonly string[];
}

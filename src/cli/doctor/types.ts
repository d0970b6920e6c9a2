/** What the doctor finds out: plain data that travels as JSON from a child process, and that `--json` prints. */
import type { AdapterPreference } from '../../gpu/dawn.ts';
import type { AdapterTraits } from '../../gpu/gpu.ts';

/** An adapter that answered. */
export interface FoundAdapter {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  /** Names the driver with its version, as far as the driver tells. */
  readonly description: string;
  /** Computes on the CPU. */
  readonly software: boolean;
  /** The system's interface behind WebGPU, such as Vulkan; null where Dawn does not tell. */
  readonly backend: string | null;
  /** Least and most invocations of a subgroup; null without subgroups. */
  readonly subgroup: readonly [number, number] | null;
  readonly features: readonly string[];
  /** Every limit by name. Bytes where the name ends in Size. */
  readonly limits: Readonly<Record<string, number>>;
}

/** What was found when an adapter of a kind was asked for. */
export interface Answer {
  readonly asked: AdapterPreference;
  readonly found: FoundAdapter | null;
}

/** The compute pass whose result is known. */
export interface CheckResult {
  /** What was computed, for people. */
  readonly what: string;
  /** How many values it gave, and how many of them are wrong. */
  readonly values: number;
  readonly wrong: number;
  /** The first wrong one: where it is, what was computed and what is right. */
  readonly firstWrong: string | null;
  /** Compiling the shaders included. */
  readonly ms: number;
  /** Which variant was chosen for each piece of work, as `Chooser.choices`. */
  readonly kernels: Readonly<Record<string, string>>;
}

/** What the child process tells, one line of JSON each, in this order; where it crashes, the rest is missing. */
export type ProbeMessage =
  | { readonly stage: 'adapters'; readonly answers: readonly Answer[] }
  | { readonly stage: 'device'; readonly traits: AdapterTraits }
  | { readonly stage: 'check'; readonly check: CheckResult }
  | { readonly stage: 'failed'; readonly message: string };

/** All that the child process told. */
export interface Probe {
  readonly answers: readonly Answer[];
  /** Of the device that was opened. */
  readonly traits: AdapterTraits | null;
  readonly check: CheckResult | null;
  /** Why something is missing. */
  readonly failure: string | null;
  /** What drivers and Dawn wrote about it on stderr. */
  readonly log: readonly string[];
}

/** A folder that something is kept in. */
export interface CacheFolder {
  readonly what: string;
  readonly path: string;
  /** Sum of its files; null where there is no such folder. */
  readonly bytes: number | null;
}

/** What does not depend on an adapter. */
export interface Host {
  readonly system: string;
  readonly platform: string;
  readonly versions: Readonly<Record<'node' | 'dawngrad' | 'webgpu' | 'sharp' | 'libvips', string>>;
  /** Why pictures cannot be decoded. */
  readonly picturesFailure: string | null;
  readonly cores: number;
  /** Bytes; `limit` where a container allows less than there is. */
  readonly memory: { readonly total: number; readonly free: number; readonly limit: number | null };
  /** `NAME=value` of the variables that choose a driver. */
  readonly variables: readonly string[];
  readonly caches: readonly CacheFolder[];
}

/** Everything, and what follows from it. */
export interface Diagnosis {
  readonly good: boolean;
  readonly host: Host;
  readonly probe: Probe;
  /** The adapter that was to be examined. */
  readonly asked: AdapterPreference;
  /** What is wrong, a sentence each. */
  readonly problems: readonly string[];
  /** What to do about it, line by line. */
  readonly advice: readonly string[];
}

/** What came of a mutated picture, here and in Pillow, and whether that is right. */

/** Limit of both decoders: a picture of so many pixels takes 12 MB of RGB. */
export const MAX_PIXELS = 4_000_000;
/** What the decoding process may take at most, with Node, sharp and one picture of the limit, bytes. */
export const MAX_RSS = 500 * 2 ** 20;
/** A picture that takes longer hangs. */
export const HANG_MS = 5000;

export interface Ours {
  readonly width?: number;
  readonly height?: number;
  readonly sha256?: string;
  readonly warned?: boolean;
  readonly refusal?: string;
  /** An answer that is wrong by itself. */
  readonly problem?: string | undefined;
  /** The process's largest memory so far, bytes. */
  readonly rss: number;
}

export interface Pillow {
  readonly width?: number;
  readonly height?: number;
  readonly sha256?: string;
  readonly warned?: boolean;
  readonly error?: string;
}

export const VERDICTS = ['equal', 'unsure', 'refused', 'refused by both', 'alone', 'uncompared'] as const;
/** `unsure`: other pixels, but a decoder warned. `alone`: only Pillow refuses. `uncompared`: without Pillow. */
export type Verdict = (typeof VERDICTS)[number];

/** @returns the verdict, or what is wrong */
export function judge(ours: Ours, pillow: Pillow | undefined): { verdict: Verdict } | { failure: string } {
  if (ours.problem) return { failure: ours.problem };
  if (ours.rss > MAX_RSS) return { failure: `memory: ${(ours.rss / 2 ** 20).toFixed(0)} MiB` };
  if (!pillow) return { verdict: 'uncompared' };
  const refused = ours.refusal !== undefined;
  if (pillow.error !== undefined) return { verdict: refused ? 'refused by both' : 'alone' };
  if (refused) return { verdict: 'refused' };
  if (ours.width === pillow.width && ours.height === pillow.height && ours.sha256 === pillow.sha256) {
    return { verdict: 'equal' };
  }
  if (ours.warned || pillow.warned) return { verdict: 'unsure' };
  return {
    failure: `pixels: ${ours.width}×${ours.height}, unlike Pillow's ${pillow.width}×${pillow.height}, and neither warned`,
  };
}

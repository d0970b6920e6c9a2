/**
 * What ant and bee have in common. Both are seen from above, the head up, the origin in their middle, some 90 units long,
 * and both are painted with the same colours in about the same shares: only how they are built tells them apart.
 */
import { ellipse, type Point, path } from './svg.ts';

/** What an insect is painted with; colours as SVG writes them. */
export interface Palette {
  /** The darker colour. */
  readonly main: string;
  /** The brighter one. */
  readonly accent: string;
  /** The palest one: the wings of a bee, the thorax of an ant. */
  readonly pale: string;
  /** 0..1 */
  readonly wingOpacity: number;
  readonly eye: string;
  /** Of what shines. */
  readonly glint: string;
}

/** How this one stands, each number in -1..1: no two of a kind are quite alike. */
export interface Posture {
  /** Legs forward (1) or back. */
  readonly stride: number;
  /** Antennae and wings spread (1) or close. */
  readonly spread: number;
  /** A plumper (1) or slimmer body. */
  readonly girth: number;
  /** The hind body to the left (1) or right. */
  readonly bend: number;
}

/** @returns SVG */
export type DrawInsect = (palette: Palette, posture: Posture) => string;

/** How many times as wide as usual a body of this posture is. */
export const plumpness = ({ girth }: Posture): number => 1 + 0.1 * girth;

/** Degrees by which the hind body is turned. */
export const bendOf = ({ bend }: Posture): number => 9 * bend;

/** What is on the right is on the left too. @param side draws one of them: -1 is the left, 1 the right */
export function both(side: (sign: -1 | 1) => string): string {
  return side(-1) + side(1);
}

export interface HindBody {
  /** Where its middle is, from the insect's middle backwards. */
  readonly middle: number;
  readonly halfWidth: number;
  readonly halfLength: number;
  /** 1 is an ellipse; with more, it is widest in front and narrows towards the end. */
  readonly taper: number;
  /** Where one colour gives way to the other, as shares of the length from the front. */
  readonly rings: readonly number[];
  /** The colour in front, and the one it takes turns with. */
  readonly colours: readonly [string, string];
}

/** Points along an edge of the hind body; more are not seen. */
const EDGE_STEPS = 8;
/** How far the middle of a ring lies behind its ends. */
const RING_BULGE = 5;

/** The rounded hind part of the body, in rings. */
export function hindBody({ middle, halfWidth, halfLength, taper, rings, colours }: HindBody): string {
  // An ellipse by its angle, 0 in front and π at the end, pushed forwards by the taper.
  const edge = (angle: number): Point => [
    halfWidth * Math.sin(angle),
    middle + halfLength * (2 * ((1 - Math.cos(angle)) / 2) ** taper - 1),
  ];
  const angleAt = (share: number) => Math.acos(1 - 2 * share ** (1 / taper));
  const parts = [...rings, 1].map((share, i) => {
    const right = Array.from({ length: EDGE_STEPS + 1 }, (_, k) => edge((k / EDGE_STEPS) * angleAt(share)));
    const left = right.map(([x, y]): Point => [-x, y]).reverse();
    const [x, y] = right.at(-1)!;
    const back = ['Q', 0, share < 1 ? y + RING_BULGE : y, -x, y];
    return path(['M', ...right.flat(), ...back, 'L', ...left.flat(), 'Z'], { fill: colours[i % 2] });
  });
  // Each from the very front, the longest first, so that the rings lie over one another without a gap.
  return parts.reverse().join('');
}

/** An eye with a glint. */
export function eye(x: number, y: number, palette: Palette): string {
  return ellipse(x, y, 2.8, 3.2, { fill: palette.eye }) + ellipse(x - 0.8, y - 1, 1, 1, { fill: palette.glint });
}

/** A soft highlight. */
export function shine(x: number, y: number, rx: number, ry: number, palette: Palette): string {
  return ellipse(x, y, rx, ry, { fill: palette.glint, opacity: 0.35 });
}

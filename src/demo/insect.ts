/**
 * The parts and conventions that ants and bees share. Both are seen from above with the head up, about 90 units long,
 * with the origin in their middle. Both have the same colours in about the same shares, so only their build tells them
 * apart.
 */
import { ellipse, type Point, path } from './svg.ts';

/** The colours of an insect, as SVG writes them. */
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
  /** Colour of highlights. */
  readonly glint: string;
}

/** The posture of one insect, each value in -1..1, so that no two of a kind look alike. */
export interface Posture {
  /** Legs forward (1) or back. */
  readonly stride: number;
  /** Antennae and wings spread (1) or close to the body. */
  readonly spread: number;
  /** A plumper (1) or slimmer body. */
  readonly girth: number;
  /** The hind body bent to the left (1) or right. */
  readonly bend: number;
}

/** @returns SVG */
export type DrawInsect = (palette: Palette, posture: Posture) => string;

/** Factor by which the posture widens the body. */
export const plumpness = ({ girth }: Posture): number => 1 + 0.1 * girth;

/** Rotation of the hind body, degrees. */
export const bendOf = ({ bend }: Posture): number => 9 * bend;

/** Draws a part on both sides. @param side draws it on one side: -1 is the left, 1 the right */
export function both(side: (sign: -1 | 1) => string): string {
  return side(-1) + side(1);
}

export interface HindBody {
  /** Distance of its middle behind the insect's middle. */
  readonly middle: number;
  readonly halfWidth: number;
  readonly halfLength: number;
  /** 1 gives an ellipse; a larger value makes it widest in front and narrow towards the end. */
  readonly taper: number;
  /** Positions of the colour changes, as shares of the length from the front. */
  readonly rings: readonly number[];
  /** The colour in front, and the one it alternates with. */
  readonly colours: readonly [string, string];
}

/** Points along an edge of the hind body; more would make no visible difference. */
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
  // Each part begins at the very front, and the longest is drawn first, so that the rings overlap without a gap.
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

/**
 * The demo's pictures as SVG. A scene is everything in a picture except the kind of insect: ground, colours, light, and
 * the insect's place and posture. Each scene is drawn once with an ant and once with a bee, so nothing in it tells them
 * apart.
 */
import type { Generator } from '../data/index.ts';
import { GROUNDS } from './grounds.ts';
import type { DrawInsect, Palette, Posture } from './insect.ts';
import { drawing, gradient, group, hsl, type Point, place, polar, rect } from './svg.ts';

/** Units along a side of a picture. */
export const SIDE = 100;

export interface Scene {
  /** SVG of the ground under the insect. */
  readonly ground: string;
  readonly palette: Palette;
  readonly posture: Posture;
  readonly at: Point;
  /** Direction of the head, degrees clockwise from up. */
  readonly heading: number;
  readonly scale: number;
  /** Direction in which shadows fall, degrees. */
  readonly light: number;
  /** 0..1: how much brighter one side is than the other. */
  readonly contrast: number;
}

export function drawScene(random: Generator): Scene {
  const between = (low: number, high: number) => random.uniform(low, high);
  const ground = GROUNDS[random.randint(GROUNDS.length)]!(random);
  const mainHue = between(0, 360);
  const accentHue = between(0, 360);
  return {
    ground,
    palette: {
      main: hsl(mainHue, between(0.25, 0.8), between(0.13, 0.3)),
      accent: hsl(accentHue, between(0.6, 0.95), between(0.48, 0.66)),
      pale: hsl(between(0, 360), between(0, 0.7), between(0.6, 0.95)),
      eye: '#15110f',
      wingOpacity: between(0.4, 0.65),
      glint: '#ffffff',
    },
    posture: { stride: between(-1, 1), spread: between(-1, 1), girth: between(-1, 1), bend: between(-1, 1) },
    at: [SIDE / 2 + between(-6, 6), SIDE / 2 + between(-6, 6)],
    heading: between(0, 360),
    scale: between(0.75, 0.98),
    light: between(0, 360),
    contrast: between(0.05, 0.3),
  };
}

/** @param pixels side of the rendered picture in pixels */
export function pictureOf(scene: Scene, insect: DrawInsect, pixels: number): string {
  const { ground, palette, posture, at, heading, scale, light, contrast } = scene;
  const [dx, dy] = polar(light, 2.4);
  const shadow = '#000000';
  const shade: Palette = {
    main: shadow,
    accent: shadow,
    pale: shadow,
    eye: shadow,
    glint: shadow,
    wingOpacity: palette.wingOpacity,
  };
  const shine = gradient('light', SIDE, light, [
    ['#ffffff', contrast],
    ['#ffffff', 0],
    ['#000000', contrast],
  ]);
  return drawing(
    SIDE,
    pixels,
    `<defs>${shine}</defs>`,
    ground,
    group({ opacity: 0.22, transform: place([at[0] + dx, at[1] + dy], heading, scale) }, insect(shade, posture)),
    group({ transform: place(at, heading, scale) }, insect(palette, posture)),
    rect(0, 0, SIDE, SIDE, { fill: 'url(#light)' }),
  );
}

/** A bee: a plump body without a waist, a furry collar, four wings, short antennae, a sting, legs that barely show. */
import { bendOf, both, type DrawInsect, eye, hindBody, type Palette, plumpness, shine } from './insect.ts';
import { ellipse, group, line, path, place, turn } from './svg.ts';

/** The wings when neither spread nor close to the body; `degrees` is the angle behind straight out. */
const FORE_WING = { degrees: -14, length: 36, halfWidth: 9.5 };
const HIND_WING = { degrees: 22, length: 26, halfWidth: 7 };

export const drawBee: DrawInsect = (palette, posture) => {
  const { main, accent } = palette;
  const { stride, spread } = posture;
  const plump = plumpness(posture);
  const legs = both((sign) => {
    const swing = 2 * sign * stride;
    const leg = (hip: number, x: number, y: number) =>
      line(
        [
          [sign * 7, hip],
          [sign * x, y],
        ],
        main,
        2.8,
      );
    return leg(-16, 14, -24 + swing) + leg(4, 18, 13 - swing);
  });
  const antennae = both((sign) =>
    path(['M', sign * 3, -29, 'Q', sign * 4, -36, sign * (9 + 2 * spread), -38], {
      fill: 'none',
      stroke: main,
      'stroke-width': 2.2,
      'stroke-linecap': 'round',
    }),
  );
  const abdomen = hindBody({
    middle: 18,
    halfWidth: 16.5 * plump,
    halfLength: 20,
    taper: 1.05,
    rings: [0.22, 0.38, 0.56, 0.72, 0.86],
    colours: [main, accent],
  });
  const sting = path(['M', -2.4, 34, 'L', 0, 43, 'L', 2.4, 34, 'Z'], { fill: main });
  const fur = { fill: 'none', stroke: accent, 'stroke-width': 4, 'stroke-dasharray': '1.4 0.9' };
  return [
    legs,
    antennae,
    group({ transform: turn(bendOf(posture), [0, -4]) }, sting, abdomen, shine(-5 * plump, 12, 2.4, 5.5, palette)),
    both((sign) => wing(sign, 9 * spread, HIND_WING, palette) + wing(sign, 9 * spread, FORE_WING, palette)),
    ellipse(0, -11, 10.5 * plump, 10, fur),
    ellipse(0, -11, 10 * plump, 9.5, { fill: main }),
    ellipse(0, -25, 8.5, 6.6, { fill: main }),
    both((sign) => eye(sign * 6.4, -26, palette)),
  ].join('');
};

/** A see-through wing with two veins, rooted beside the thorax. */
function wing(sign: -1 | 1, spread: number, shape: typeof FORE_WING, { pale, main, wingOpacity }: Palette): string {
  const { degrees, length: l, halfWidth: w } = shape;
  const blade = path(
    ['M', 0, 0, 'C', l * 0.3, -w * 1.3, l, -w * 1.5, l, 0, 'C', l, w * 1.2, l * 0.4, w * 1.1, 0, 0, 'Z'],
    { fill: pale, 'fill-opacity': wingOpacity, stroke: pale, 'stroke-width': 1.2 },
  );
  const [x, y] = [l * 0.8, l * 0.11];
  const veins = group(
    { opacity: 0.35 },
    path(['M', 2, 0, 'L', x, y - 3, 'M', l * 0.35, 0, 'L', x, y + 2], { stroke: main, 'stroke-width': 0.9 }),
  );
  const rooted = group({ transform: place([6, -12], degrees + spread, 1) }, blade, veins);
  return sign === 1 ? rooted : group({ transform: 'scale(-1 1)' }, rooted);
}

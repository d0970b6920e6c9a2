/** Two more insects for the walk, in the manner of src/demo: seen from above with the head up, about 90 units long. */
import { both, type DrawInsect, eye, plumpness, shine } from '../../src/demo/insect.ts';
import { ellipse, line, type Point, path } from '../../src/demo/svg.ts';

/** Broad wing cases that meet in a line, spots on them, short legs. */
export const drawBeetle: DrawInsect = (palette, posture) => {
  const { main, accent, pale } = palette;
  const plump = plumpness(posture);
  const legs = both((sign) =>
    [-12, 6, 24]
      .map((y, i) => {
        const foot: Point = [sign * 30, y + 3 * posture.stride * (i === 1 ? 1 : -1) * sign + (i - 1) * 8];
        return line([[sign * 14, y], foot], main, 3.6);
      })
      .join(''),
  );
  const antennae = both((sign) =>
    line(
      [
        [sign * 4, -36],
        [sign * (13 + 3 * posture.spread), -43],
      ],
      main,
      2.4,
    ),
  );
  const spots = both((sign) =>
    [-2, 12, 26].map((y, i) => ellipse(sign * (i === 1 ? 12 : 8) * plump, y, 3.6, 3.6, { fill: pale })).join(''),
  );
  const seam: Point[] = [
    [0, -16],
    [0, 40],
  ];
  return [
    legs,
    antennae,
    ellipse(0, 12, 22 * plump, 29, { fill: accent }),
    line(seam, main, 2),
    spots,
    shine(-9 * plump, 2, 3, 8, palette),
    path(['M', -15, -15, 'Q', 0, -29, 15, -15, 'Z'], { fill: main }),
    ellipse(0, -28, 8.5, 8, { fill: main }),
    both((sign) => eye(sign * 6.5, -31, palette)),
  ].join('');
};

/** Eight long bent legs, a small front body, a round hind body, no antennae. */
export const drawSpider: DrawInsect = (palette, posture) => {
  const { main, accent } = palette;
  const plump = plumpness(posture);
  const legs = both((sign) =>
    [-52, -18, 18, 48]
      .map((degrees, i) => {
        const angle = ((degrees + 6 * posture.stride * (i % 2 === 0 ? 1 : -1)) * Math.PI) / 180;
        const at = (radius: number, lift: number): Point => [
          sign * radius * Math.cos(angle),
          radius * Math.sin(angle) - 8 + lift,
        ];
        return line([[sign * 5, -8 + 2 * i], at(24, -6), at(44, 3)], main, 2.2);
      })
      .join(''),
  );
  return [
    legs,
    ellipse(0, 15, 16 * plump, 18, { fill: main }),
    path(['M', 0, 2, 'L', 6, 15, 'L', 0, 28, 'L', -6, 15, 'Z'], { fill: accent }),
    shine(-6 * plump, 8, 2.4, 5.5, palette),
    ellipse(0, -11, 9, 10, { fill: accent }),
    both((sign) => eye(sign * 3.4, -18, palette)),
  ].join('');
};

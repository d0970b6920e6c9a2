/** An ant: three parts held together by a thin waist, six long jointed legs, elbowed antennae, jaws, no wings. */
import { bendOf, both, type DrawInsect, eye, hindBody, plumpness, shine } from './insect.ts';
import { ellipse, group, line, type Point, path, turn } from './svg.ts';

const LEG_WIDTH = 2.6;

/** The hip of each right leg, and its knee and foot relative to the hip; from front to back. */
const LEGS: readonly { readonly hip: Point; readonly knee: Point; readonly foot: Point }[] = [
  { hip: [4, -13], knee: [13, -9], foot: [23, -25] },
  { hip: [4, -7], knee: [16, -2], foot: [29, 7] },
  { hip: [4, -2], knee: [14, 8], foot: [24, 30] },
];

const HEAD = [
  ['M', 0, -21, 'C', -9, -18, -14, -27, -10.5, -34, 'C', -8, -40, 8, -40, 10.5, -34],
  ['C', 14, -27, 9, -18, 0, -21, 'Z'],
].flat();

export const drawAnt: DrawInsect = (palette, posture) => {
  const { main, accent, pale } = palette;
  const { stride, spread } = posture;
  const plump = plumpness(posture);
  const legs = both((sign) =>
    LEGS.map(({ hip, knee, foot }, i) => {
      // Ants walk on tripods: the middle leg of one side moves with the outer legs of the other.
      const swing = sign * stride * (i === 1 ? 1 : -1);
      const [x, y] = [sign * hip[0], hip[1]];
      const points: Point[] = [
        [x, y],
        [x + sign * knee[0], y + knee[1] + 2 * swing],
        [x + sign * foot[0], y + foot[1] + 5 * swing],
      ];
      return line(points, main, LEG_WIDTH);
    }).join(''),
  );
  const antennae = both((sign) => {
    const elbow = 11 + 2.5 * spread;
    const points: Point[] = [
      [sign * 4, -33],
      [sign * elbow, -42],
      [sign * (elbow + 1 + 4 * spread), -55],
    ];
    return line(points, main, 2.2);
  });
  const jaws = both((sign) =>
    path(['M', sign * 6, -38, 'Q', sign * 8, -46, sign * 1, -46, 'Q', sign * 3.5, -42, sign * 2, -38, 'Z'], {
      fill: accent,
    }),
  );
  const waist: Point[] = [
    [0, -22],
    [0, 8],
  ];
  const gaster = hindBody({
    middle: 24,
    halfWidth: 14 * plump,
    halfLength: 18,
    taper: 1.4,
    rings: [0.3, 0.44, 0.68, 0.8],
    colours: [accent, main],
  });
  return [
    legs,
    antennae,
    jaws,
    line(waist, main, 3),
    group({ transform: turn(bendOf(posture), [0, 6]) }, gaster, shine(-5 * plump, 18, 2.4, 5.5, palette)),
    ellipse(0, 5.5, 3.4, 3.2, { fill: main }),
    ellipse(0, -9, 6.6 * plump, 10.5, { fill: pale }),
    shine(-2, -13, 1.6, 3.4, palette),
    path(HEAD, { fill: main }),
    both((sign) => eye(sign * 8.3, -31, palette)),
  ].join('');
};

/** The grounds that the insects walk on: SVG that fills a square of 100 units. */
import type { Generator } from '../data/index.ts';
import { ellipse, group, hsl, line, type Point, path, place, polar, rect, turn } from './svg.ts';

type DrawGround = (random: Generator) => string;

const SIDE = 100;

const anywhere = (random: Generator): Point => [random.uniform(-5, SIDE + 5), random.uniform(-5, SIDE + 5)];
const many = (count: number, one: () => string): string => Array.from({ length: count }, one).join('');
const floor = (colour: string) => rect(0, 0, SIDE, SIDE, { fill: colour });

/** Mown grass with daisies. */
const meadow: DrawGround = (random) => {
  const hue = random.uniform(80, 140);
  const saturation = random.uniform(0.3, 0.55);
  const lightness = random.uniform(0.45, 0.66);
  const blades = many(26, () => {
    const [x, y] = anywhere(random);
    const lean = random.uniform(-4, 4);
    const shade = lightness + random.uniform(-0.09, 0.07);
    return path(['M', x - 1.3, y, 'Q', x, y - 7, x + lean, y - 13, 'Q', x + 1.4, y - 6, x + 1.3, y, 'Z'], {
      fill: hsl(hue + random.uniform(-12, 12), saturation, shade),
    });
  });
  const petal = hsl(random.uniform(0, 360), random.uniform(0, 0.5), 0.93);
  const daisies = many(2 + random.randint(3), () => {
    const at = anywhere(random);
    const heading = random.uniform(0, 60);
    const petals = Array.from({ length: 6 }, (_, i) =>
      group({ transform: turn(60 * i, [0, 0]) }, ellipse(0, -3.6, 1.6, 2.8, { fill: petal })),
    ).join('');
    return group(
      { transform: place(at, heading, random.uniform(0.7, 1.1)) },
      petals,
      ellipse(0, 0, 2, 2, { fill: '#e8b93c' }),
    );
  });
  return floor(hsl(hue, saturation, lightness)) + blades + daisies;
};

/** Sand or gravel with round pebbles. */
const sand: DrawGround = (random) => {
  const hue = random.uniform(25, 60);
  const saturation = random.uniform(0.1, 0.5);
  const lightness = random.uniform(0.6, 0.8);
  const grains = many(40, () => {
    const [x, y] = anywhere(random);
    const size = random.uniform(0.4, 1);
    return ellipse(x, y, size, size, { fill: hsl(hue, saturation, lightness - random.uniform(0.05, 0.2)) });
  });
  const pebbles = many(4 + random.randint(5), () => {
    const at = anywhere(random);
    const size = random.uniform(2.5, 6);
    const shade = lightness + random.uniform(-0.16, 0.08);
    const stone = hsl(hue + random.uniform(-20, 160), saturation * 0.5, shade);
    return group(
      { transform: place(at, random.uniform(0, 180), 1) },
      ellipse(0, 0.8, size, size * 0.75, { fill: '#000000', opacity: 0.12 }),
      ellipse(0, 0, size, size * 0.75, { fill: stone }),
    );
  });
  return floor(hsl(hue, saturation, lightness)) + grains + pebbles;
};

/** A big leaf with its veins. */
const leaf: DrawGround = (random) => {
  const hue = random.uniform(60, 160);
  const saturation = random.uniform(0.3, 0.6);
  const lightness = random.uniform(0.42, 0.68);
  const vein = hsl(hue - 10, saturation, lightness + 0.12);
  const ribs = Array.from({ length: 9 }, (_, i) => {
    const y = -70 + 18 * i;
    return line(
      [
        [-75, y - 34],
        [0, y],
        [75, y - 34],
      ],
      vein,
      1.2,
    );
  }).join('');
  const turned = group(
    { transform: place([50 + random.uniform(-25, 25), 50], random.uniform(0, 360), 1) },
    line(
      [
        [0, -110],
        [0, 110],
      ],
      vein,
      2.6,
    ),
    ribs,
  );
  const dew = many(3 + random.randint(4), () => {
    const [x, y] = anywhere(random);
    const size = random.uniform(1.5, 3.5);
    return (
      ellipse(x, y, size, size, { fill: hsl(hue, saturation, lightness + 0.18) }) +
      ellipse(x - size * 0.3, y - size * 0.35, size * 0.3, size * 0.3, { fill: '#ffffff', opacity: 0.8 })
    );
  });
  return floor(hsl(hue, saturation, lightness)) + turned + dew;
};

/** The inside of a blossom: petals around a point beside the middle of the picture. */
const blossom: DrawGround = (random) => {
  const hue = random.uniform(200, 420);
  const saturation = random.uniform(0.4, 0.8);
  const lightness = random.uniform(0.6, 0.78);
  const count = 6 + random.randint(4);
  const petals = Array.from({ length: count }, (_, i) => {
    const colour = hsl(hue, saturation, lightness + (i % 2 ? 0.05 : -0.02));
    const edge = hsl(hue, saturation, lightness - 0.08);
    return group(
      { transform: turn((360 * i) / count, [0, 0]) },
      ellipse(0, -46, 30, 46, { fill: colour, stroke: edge, 'stroke-width': 1.4 }),
      line(
        [
          [0, -14],
          [0, -60],
        ],
        edge,
        1,
      ),
    );
  });
  const middle = polar(random.uniform(0, 360), random.uniform(15, 45));
  const centre = hsl(random.uniform(35, 55), 0.7, 0.6);
  return (
    floor(hsl(hue - 15, saturation, lightness - 0.1)) +
    group(
      { transform: place([50 + middle[0], 50 + middle[1]], random.uniform(0, 360), 1.2) },
      ...petals,
      ellipse(0, 0, 11, 11, { fill: centre }),
      ellipse(0, 0, 8, 8, {
        fill: 'none',
        stroke: hsl(40, 0.7, 0.48),
        'stroke-width': 1.5,
        'stroke-dasharray': '1.5 2',
      }),
    )
  );
};

/** Paving: tiles with joints. */
const paving: DrawGround = (random) => {
  const hue = random.uniform(0, 360);
  const saturation = random.uniform(0.05, 0.25);
  const lightness = random.uniform(0.5, 0.75);
  const size = random.uniform(26, 40);
  const tiles: string[] = [];
  for (let row = -3; row <= 3; row++) {
    for (let column = -3; column <= 3; column++) {
      const x = (column + (row % 2 === 0 ? 0 : 0.5)) * size;
      const shade = lightness + random.uniform(-0.05, 0.05);
      tiles.push(
        rect(x + 0.8, row * size + 0.8, size - 1.6, size - 1.6, { rx: 2.5, fill: hsl(hue, saturation, shade) }),
      );
    }
  }
  return (
    floor(hsl(hue, saturation, lightness - 0.16)) +
    group({ transform: place([50, 50], random.uniform(0, 90), 1) }, ...tiles)
  );
};

export const GROUNDS: readonly DrawGround[] = [meadow, sand, leaf, blossom, paving];

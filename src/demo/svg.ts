/** The few SVG elements the demo's pictures are made of. Lengths are in units of the drawing, angles in degrees. */

export type Point = readonly [x: number, y: number];

/** Attributes of a shape by their SVG name. Undefined ones are left out. */
export type Paint = Readonly<Record<string, string | number | undefined>>;

/** Two decimals, a fiftieth of a pixel. They give the same text on machines whose sines differ in the last digit. */
const number = (value: number): string => String(Number(value.toFixed(2)));

function attributes(paint: Paint): string {
  return Object.entries(paint)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${typeof value === 'number' ? number(value) : value}"`)
    .join('');
}

export function ellipse(cx: number, cy: number, rx: number, ry: number, paint: Paint): string {
  return `<ellipse${attributes({ cx, cy, rx, ry, ...paint })}/>`;
}

export function rect(x: number, y: number, width: number, height: number, paint: Paint): string {
  return `<rect${attributes({ x, y, width, height, ...paint })}/>`;
}

/** @param parts path commands and their numbers, such as `['M', 0, 0, 'L', 5, 5]` */
export function path(parts: readonly (string | number)[], paint: Paint): string {
  const d = parts.map((part) => (typeof part === 'number' ? number(part) : part)).join(' ');
  return `<path${attributes({ d, ...paint })}/>`;
}

/** A line through the points, with round ends and corners. */
export function line(points: readonly Point[], colour: string, width: number): string {
  return path(['M', ...points.flat()], {
    fill: 'none',
    stroke: colour,
    'stroke-width': width,
    'stroke-linecap': 'round',
    'stroke-linejoin': 'round',
  });
}

export function group(paint: Paint, ...children: readonly string[]): string {
  return `<g${attributes(paint)}>${children.join('')}</g>`;
}

/** A transform: rotated by `degrees` clockwise and scaled about the origin, then moved to `at`. */
export function place(at: Point, degrees: number, scale: number): string {
  return `translate(${at.map(number).join(' ')}) rotate(${number(degrees)}) scale(${number(scale)})`;
}

/** A transform: rotated by `degrees` clockwise about a point. */
export function turn(degrees: number, about: Point): string {
  return `rotate(${[degrees, ...about].map(number).join(' ')})`;
}

/** A gradient along a line through the middle of a square of this side. Each stop has a colour and an opacity. */
export function gradient(
  id: string,
  side: number,
  degrees: number,
  stops: readonly (readonly [colour: string, opacity: number])[],
): string {
  const [dx, dy] = polar(degrees, side / 2);
  const middle = side / 2;
  const ends = attributes({ x1: middle - dx, y1: middle - dy, x2: middle + dx, y2: middle + dy });
  const inner = stops.map(([colour, opacity], i) => {
    const offset = i / (stops.length - 1);
    return `<stop${attributes({ offset, 'stop-color': colour, 'stop-opacity': opacity })}/>`;
  });
  return `<linearGradient${attributes({ id, gradientUnits: 'userSpaceOnUse' })}${ends}>${inner.join('')}</linearGradient>`;
}

/** A complete SVG document: `viewSide` units square, `pixels` pixels square. */
export function drawing(viewSide: number, pixels: number, ...children: readonly string[]): string {
  const size = attributes({ width: pixels, height: pixels, viewBox: `0 0 ${viewSide} ${viewSide}` });
  return `<svg xmlns="http://www.w3.org/2000/svg"${size}>${children.join('')}</svg>`;
}

/** The point at this distance from the origin; 0° points right and 90° down, as in SVG. */
export function polar(degrees: number, radius: number): Point {
  const angle = (degrees * Math.PI) / 180;
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** `#rrggbb` of a hue in degrees (any number), saturation and lightness in 0..1. */
export function hsl(hue: number, saturation: number, lightness: number): string {
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  const channel = (n: number) => {
    const k = (((n + hue / 30) % 12) + 12) % 12;
    const value = lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(255 * value)
      .toString(16)
      .padStart(2, '0');
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}

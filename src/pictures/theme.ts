/** What all pictures share: density, sizes and colours. Lengths are units of which `DENSITY` pixels make one. */

/** Pixels per unit: on the screens of today text is crisp only so. */
export const DENSITY = 2;

export const COLOURS = {
  paper: '#ffffff',
  ink: '#1b1f24',
  quiet: '#57606a',
  line: '#d0d7de',
  grid: '#e3e7eb',
  warning: '#b23c00',
} as const;

/** Between the edge of a picture and what it holds. */
export const MARGIN = 20;

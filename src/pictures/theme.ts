/** The density, sizes and colours of all pictures. Lengths are in units of `DENSITY` pixels. */

/** Pixels per unit. Text on today's screens is not crisp with fewer. */
export const DENSITY = 2;

export const COLOURS = {
  paper: '#ffffff',
  ink: '#1b1f24',
  quiet: '#57606a',
  line: '#d0d7de',
  grid: '#e3e7eb',
  warning: '#b23c00',
} as const;

/** Distance between the edge of a picture and its content. */
export const MARGIN = 20;

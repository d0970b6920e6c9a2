/** What all products in tiles have in common (parts/tiles.wgsl). */

/** Rows and columns of the tile of one workgroup, and the depth that it takes at a time, as in the shaders. */
export const TILE = 64;
export const DEPTH = 16;
/** Sums are cut into slices until there are this many workgroups: a GPU has about as many cores, or fewer. */
export const WANTED_WORKGROUPS = 128;

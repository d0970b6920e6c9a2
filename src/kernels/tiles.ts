/** Sizes shared by all tiled products (parts/tiles.wgsl). */

/** Rows and columns of a workgroup's tile, and the depth it loads at a time, as in the shaders. */
export const TILE = 64;
export const DEPTH = 16;
/** Sums are cut into slices until there are this many workgroups: a GPU has about this many cores, or fewer. */
export const WANTED_WORKGROUPS = 128;

// Tiles of a product C[rows, columns] = A[rows, depth] · B[depth, columns] in workgroup memory, 8.3 KiB.
//
// A workgroup of 128 invocations computes a tile of 64×64, and loads a depth of 16 into workgroup memory at a time. An
// invocation (x, y) keeps 8×4 sums in registers, of rows y + 8 r and columns x + 16 j, so invocations adjacent in x
// load and store adjacent columns. For each of the 16 it loads 3 vectors of 4 and does 32 multiply-adds.
const TILE = 64u;
const DEPTH = 16u;
const INVOCATIONS = 128u;
// Invocations per row of the workgroup, and rows of invocations.
const WIDE = 16u;
const HIGH = 8u;
// Vectors of 4 along DEPTH.
const QUADS = DEPTH / 4u;
// Distance from one depth of tileB to the next: WIDE plus one, so stores along the depth go to different banks.
const ACROSS = WIDE + 1u;

// [row][depth / 4], vectors along the depth.
var<workgroup> tileA: array<vec4<f32>, TILE * QUADS>;
// [depth][x], vectors of the columns x, x + 16, x + 32, x + 48.
var<workgroup> tileB: array<vec4<f32>, DEPTH * ACROSS>;

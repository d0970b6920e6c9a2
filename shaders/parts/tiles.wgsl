// Workgroup memory of a tiled product; see tile-product.wgsl.
const TILE = 64u;
const DEPTH = 16u;
const INVOCATIONS = 256u;

var<workgroup> tileA: array<f32, TILE * DEPTH>;
var<workgroup> tileB: array<f32, DEPTH * TILE>;

// Convolution for GPUs. NCHW input, OIHW weights. Rows: output channels; columns: output pixels (image, row, column);
// depth: (input channel, kernel row, kernel column).
//
// A product C[rows, columns] = A[rows, depth] · B[depth, columns] whose operands are never laid out in memory. A workgroup
// of 16×16 invocations computes a tile of 64×64; it brings slices of 16 of the depth into workgroup memory (8 KiB), which
// all its invocations then read; each keeps 4×4 sums in registers. Neighbouring invocations load neighbouring addresses.
struct Params {
  batch: u32,
  inChannels: u32,
  inHeight: u32,
  inWidth: u32,
  outChannels: u32,
  outHeight: u32,
  outWidth: u32,
  kernelHeight: u32,
  kernelWidth: u32,
  strideHeight: u32,
  strideWidth: u32,
  paddingHeight: u32,
  paddingWidth: u32,
}
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const TILE = 64u;
const DEPTH = 16u;
const INVOCATIONS = 256u;

var<workgroup> tileA: array<f32, TILE * DEPTH>;
var<workgroup> tileB: array<f32, DEPTH * TILE>;

// input under the given tap of the given output pixel, 0 in the padding.
fn inputAt(pixel: u32, tap: u32) -> f32 {
  let column = pixel % params.outWidth;
  let row = pixel / params.outWidth % params.outHeight;
  let image = pixel / params.outWidth / params.outHeight;
  let kernelColumn = tap % params.kernelWidth;
  let kernelRow = tap / params.kernelWidth % params.kernelHeight;
  let channel = tap / params.kernelWidth / params.kernelHeight;
  // Left of or above the picture these wrap to huge numbers, which the comparison excludes as well.
  let inRow = row * params.strideHeight + kernelRow - params.paddingHeight;
  let inColumn = column * params.strideWidth + kernelColumn - params.paddingWidth;
  if (inRow >= params.inHeight || inColumn >= params.inWidth) {
    return 0.0;
  }
  return input[((image * params.inChannels + channel) * params.inHeight + inRow) * params.inWidth + inColumn];
}

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let rows = params.outChannels;
  let plane = params.outHeight * params.outWidth;
  let columns = params.batch * plane;
  let depths = params.inChannels * params.kernelHeight * params.kernelWidth;
  let firstDepth = 0u;
  let lastDepth = depths;
  let column0 = (group.z * groups.x + group.x) * TILE;
  let row0 = group.y * TILE;
  var sums: array<array<f32, 4>, 4>;
  for (var depth0 = firstDepth; depth0 < lastDepth; depth0 += DEPTH) {
    for (var i = lane; i < TILE * DEPTH; i += INVOCATIONS) {
      let depth = depth0 + i % DEPTH;
      let row = row0 + i / DEPTH;
      var value = 0.0;
      if (row < rows && depth < lastDepth) {
        value = weight[row * depths + depth];
      }
      tileA[i % DEPTH * TILE + i / DEPTH] = value;
    }
    for (var i = lane; i < TILE * DEPTH; i += INVOCATIONS) {
      let depth = depth0 + i / TILE;
      let column = column0 + i % TILE;
      var value = 0.0;
      if (column < columns && depth < lastDepth) {
        value = inputAt(column, depth);
      }
      tileB[i] = value;
    }
    workgroupBarrier();
    for (var d = 0u; d < DEPTH; d++) {
      for (var r = 0u; r < 4u; r++) {
        let a = tileA[d * TILE + local.y * 4u + r];
        for (var c = 0u; c < 4u; c++) {
          sums[r][c] += a * tileB[d * TILE + local.x * 4u + c];
        }
      }
    }
    workgroupBarrier();
  }
  for (var r = 0u; r < 4u; r++) {
    for (var c = 0u; c < 4u; c++) {
      let row = row0 + local.y * 4u + r;
      let column = column0 + local.x * 4u + c;
      if (row < rows && column < columns) {
        output[(column / plane * params.outChannels + row) * plane + column % plane] = sums[r][c];
      }
    }
  }
}

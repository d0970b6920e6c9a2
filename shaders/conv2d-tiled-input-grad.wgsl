// Input gradient of a convolution for GPUs. NCHW tensors, OIHW weights. Rows: input channels; columns: input pixels
// (image, row, column); depth: (output channel, kernel row, kernel column). Of a stride above 1 most terms are zeros.
// A tiled product: see parts/tile-product.wgsl.
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
@group(0) @binding(0) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> inputGrad: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

<%~ include('parts/tiles.wgsl') %>

// Gradient of the output that read the given input pixel through the given tap, 0 where there is none.
fn outputGradAt(pixel: u32, tap: u32) -> f32 {
  let column = pixel % params.inWidth;
  let row = pixel / params.inWidth % params.inHeight;
  let image = pixel / params.inWidth / params.inHeight;
  let kernelColumn = tap % params.kernelWidth;
  let kernelRow = tap / params.kernelWidth % params.kernelHeight;
  let channel = tap / params.kernelWidth / params.kernelHeight;
  let fromRow = row + params.paddingHeight;
  let fromColumn = column + params.paddingWidth;
  if (fromRow < kernelRow || fromColumn < kernelColumn) {
    return 0.0;
  }
  let stepRow = fromRow - kernelRow;
  let stepColumn = fromColumn - kernelColumn;
  let outRow = stepRow / params.strideHeight;
  let outColumn = stepColumn / params.strideWidth;
  if (stepRow % params.strideHeight != 0u || stepColumn % params.strideWidth != 0u
    || outRow >= params.outHeight || outColumn >= params.outWidth) {
    return 0.0;
  }
  return outputGrad[((image * params.outChannels + channel) * params.outHeight + outRow) * params.outWidth + outColumn];
}

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let rows = params.inChannels;
  let plane = params.inHeight * params.inWidth;
  let columns = params.batch * plane;
  let taps = params.kernelHeight * params.kernelWidth;
  let depths = params.outChannels * taps;
  let firstDepth = 0u;
  let lastDepth = depths;
  let column0 = (group.z * groups.x + group.x) * TILE;
<%~ include('parts/tile-product.wgsl', {
  a: 'weight[(depth / taps * params.inChannels + row) * taps + depth % taps]',
  b: 'outputGradAt(column, depth)',
  output: 'inputGrad',
  place: '(column / plane * params.inChannels + row) * plane + column % plane',
  neighbours: 'columns',
}) %>
}

// Weight gradient of a convolution for GPUs. NCHW tensors, OIHW weights. Rows: output channels; columns: (input channel,
// kernel row, kernel column); depth: output pixels (image, row, column), cut into slices over the workgroups' z so that
// small weights keep a GPU busy as well; sum-slices adds them up in order.
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
  // Output pixels that one slice sums.
  pixelsPerSlice: u32,
}
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(2) var<storage, read_write> weightGrad: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

<%~ include('parts/tiles.wgsl') %>

<%~ include('parts/conv2d-input-at.wgsl') %>

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let rows = params.outChannels;
  let plane = params.outHeight * params.outWidth;
  let columns = params.inChannels * params.kernelHeight * params.kernelWidth;
  let depths = params.batch * plane;
  let firstDepth = group.z * params.pixelsPerSlice;
  let lastDepth = min(firstDepth + params.pixelsPerSlice, depths);
  let column0 = group.x * TILE;
<%~ include('parts/tile-product.wgsl', {
  a: 'outputGrad[(depth / plane * params.outChannels + row) * plane + depth % plane]',
  b: 'inputAt(depth, column)',
  output: 'weightGrad',
  place: '(group.z * rows + row) * columns + column',
  neighbours: 'depth',
}) %>
}

// Convolution for GPUs. NCHW input, OIHW weights. Rows: output channels; columns: output pixels (image, row, column);
// depth: (input channel, kernel row, kernel column).
// A tiled product: see parts/tile-product.wgsl. Input, weights, residual and output may be f16.
<%~ include('parts/stored.wgsl', k) %>

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
@group(0) @binding(0) var<storage, read> input: array<Stored>;
@group(0) @binding(1) var<storage, read> weight: array<Stored>;
@group(0) @binding(2) var<storage, read_write> output: array<Stored>;
@group(0) @binding(<%= k.normalised ? 5 : 3 %>) var<uniform> params: Params;
<% if (k.normalised) { %>
<%~ include('parts/conv2d-normalised.wgsl', { ...k, binding: 3, type: 'f32', stored: 'Stored' }) %>
<% } %>

<%~ include('parts/tiles.wgsl') %>

<%~ include('parts/conv2d-input-at.wgsl') %>

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
<%~ include('parts/tile-product.wgsl', {
  a: 'f32(weight[row * depths + depth])',
  b: 'inputAt(column, depth)',
  place: '(column / plane * params.outChannels + row) * plane + column % plane',
  output: 'output',
  value: `Stored(${k.normalised ? 'normalised(sums[r][c], table[row], place)' : 'sums[r][c]'})`,
  neighbours: 'columns',
}) %>
}

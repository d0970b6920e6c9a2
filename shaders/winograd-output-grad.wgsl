// Transform of the output gradient for the weight gradient of Winograd's convolution: each 4×4 tile of outputs becomes the 36
// numbers A·y·Aᵀ. Outputs beyond the edge count as zeros.
//
// NCHW -> [position][tile][channel], both extents padded, the padding written as zeros. Workgroup (x, y): 64 channels of tile y.
struct Params {
  channels: u32,
  height: u32,
  width: u32,
  tiles: u32,
  tileRows: u32,
  tileColumns: u32,
  channelExtent: u32,
  // Elements from one position to the next.
  plane: u32,
}
@group(0) @binding(0) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(1) var<storage, read_write> transformed: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('parts/winograd.wgsl', {}) %>

fn transform(y: array<f32, 4>) -> array<f32, 6> {
  let evenA = y[0] + AA * y[2];
  let oddA = A * (y[1] + AA * y[3]);
  let evenB = y[0] + BB * y[2];
  let oddB = B * (y[1] + BB * y[3]);
  return array(y[0], evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, y[3]);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let channel = group.x * 64u + lane;
  let tile = group.y;
  let real = channel < params.channels && tile < params.tiles;
  let firstRow = tile / params.tileColumns % params.tileRows * 4u;
  let firstColumn = tile % params.tileColumns * 4u;
  let image = tile / (params.tileColumns * params.tileRows);
  let start = ((image * params.channels + channel) * params.height + firstRow) * params.width + firstColumn;
<% const six = [0, 1, 2, 3, 4, 5]; const four = [0, 1, 2, 3]; %>
<% for (const i of four) { %>
  let rowInside<%= i %> = real && firstRow + <%= i %>u < params.height;
  let columnInside<%= i %> = firstColumn + <%= i %>u < params.width;
<% } %>
<% for (const c of four) { %>
  let half<%= c %> = transform(array(
<% for (const r of four) { %>
    select(0.0, outputGrad[select(0u, start + <%= r %>u * params.width + <%= c %>u, rowInside<%= r %> && columnInside<%= c %>)], rowInside<%= r %> && columnInside<%= c %>),
<% } %>
  ));
<% } %>
  if (channel >= params.channelExtent) {
    return;
  }
  let destination = tile * params.channelExtent + channel;
<% for (const r of six) { %>
  let row<%= r %> = transform(array(<%= four.map((c) => `half${c}[${r}]`).join(', ') %>));
<% for (const c of six) { %>
  transformed[destination + <%= r * 6 + c %>u * params.plane] = row<%= r %>[<%= c %>];
<% } %>
<% } %>
}

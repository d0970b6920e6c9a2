<%
// Constants: kernelHeight, kernelWidth, vector (A is loaded in vectors of 4: an image has a multiple of 4 output
// pixels).
const range = (n) => [...Array(n).keys()];
%>
// Weight gradient of a convolution for GPUs: a tiled product (parts/tiles.wgsl). NCHW tensors, OIHW weights. Rows:
// output channels; columns: (input channel, kernel row, kernel column); depth: output pixels (image, row, column). The
// depth is cut into slices over the workgroups' z, which keeps a GPU busy with small weights too. sum-slices adds them
// up in order. Each group is a product of its own, over the workgroups' y.
struct Params {
  batch: u32,
  groups: u32,
  // Channels of a group.
  inChannels: u32,
  inHeight: u32,
  inWidth: u32,
  outChannels: u32,
  outHeight: u32,
  outWidth: u32,
  strideHeight: u32,
  strideWidth: u32,
  paddingHeight: u32,
  paddingWidth: u32,
  dilationHeight: u32,
  dilationWidth: u32,
  // Output pixels that one slice sums, a multiple of DEPTH.
  pixelsPerSlice: u32,
}
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read> outputGrad: array<<%= k.vector ? 'vec4<f32>' : 'f32' %>>;
@group(0) @binding(2) var<storage, read_write> weightGrad: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

<%~ include('/parts/tiles.wgsl') %>
const KERNEL_WIDTH = <%= k.kernelWidth %>u;
const TAPS = <%= k.kernelHeight * k.kernelWidth %>u;

// Input under a tap of the output pixel whose tap (0, 0) reads (row0, column0); 0 in the padding. `offset` is the
// tap's.
fn inputAt(start: i32, offset: i32, row: i32, column: i32, real: bool) -> f32 {
  let inside = real & (u32(row) < params.inHeight) & (u32(column) < params.inWidth);
  return select(0.0, input[select(0, start + offset, inside)], inside);
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let x = lane % WIDE;
  let y = lane / WIDE;
  let rows = params.outChannels;
  let plane = params.outHeight * params.outWidth;
  let columns = params.inChannels * TAPS;
  let rowTiles = (rows + TILE - 1u) / TILE;
  let row0 = group.y % rowTiles * TILE;
  let groupOfChannels = group.y / rowTiles;
  let firstColumn = group.x * TILE;
  let firstDepth = group.z * params.pixelsPerSlice;
  let lastDepth = min(firstDepth + params.pixelsPerSlice, params.batch * plane);
  let width = i32(params.inWidth);
  let inPlane = i32(params.inHeight * params.inWidth);
  // For each of the eight columns that the invocation loads: its tap, and its offset from tap (0, 0) of channel 0.
<% for (const i of range(2)) for (const j of range(4)) { const n = 4 * i + j; %>
  let column<%= n %> = firstColumn + y + <%= 8 * i + 16 * j %>u;
  let tapRow<%= n %> = i32(column<%= n %> % TAPS / KERNEL_WIDTH * params.dilationHeight);
  let tapColumn<%= n %> = i32(column<%= n %> % TAPS % KERNEL_WIDTH * params.dilationWidth);
  let offset<%= n %> = i32(column<%= n %> / TAPS) * inPlane + tapRow<%= n %> * width + tapColumn<%= n %>;
<% } %>
<% for (const r of range(8)) { %>
  var sum<%= r %> = vec4<f32>();
<% } %>
  for (var depth0 = firstDepth; depth0 < lastDepth; depth0 += DEPTH) {
<%~ include('/parts/tile-load.wgsl', {
  array: 'outputGrad',
  place: '((depth / plane * params.groups + groupOfChannels) * rows + row) * plane + depth % plane',
  vector: k.vector,
}) %>
    // tileB: two vectors per invocation, both at depth x, so adjacent invocations read adjacent pixels.
    {
      let depth = depth0 + x;
      let inRow0 = i32(depth / params.outWidth % params.outHeight * params.strideHeight) - i32(params.paddingHeight);
      let inColumn0 = i32(depth % params.outWidth * params.strideWidth) - i32(params.paddingWidth);
      let start = i32((depth / plane * params.groups + groupOfChannels) * params.inChannels) * inPlane + inRow0 * width + inColumn0;
      let real = depth < lastDepth;
<% for (const i of range(2)) { %>
      tileB[x * ACROSS + y + <%= 8 * i %>u] = vec4<f32>(
<%   for (const j of range(4)) { const n = 4 * i + j; %>
        inputAt(start, offset<%= n %>, inRow0 + tapRow<%= n %>, inColumn0 + tapColumn<%= n %>, real & (column<%= n %> < columns)),
<%   } %>
      );
<% } %>
    }
<%~ include('/parts/tile-product.wgsl') %>
  }
<% for (const r of range(8)) { %>
  {
    let row = row0 + y + <%= r %>u * HIGH;
    let place = ((group.z * params.groups + groupOfChannels) * rows + row) * columns + firstColumn + x;
<%   for (const j of range(4)) { %>
    if ((row < rows) & (firstColumn + x + <%= 16 * j %>u < columns)) {
      weightGrad[place + <%= 16 * j %>u] = sum<%= r %>[<%= j %>];
    }
<%   } %>
  }
<% } %>
}

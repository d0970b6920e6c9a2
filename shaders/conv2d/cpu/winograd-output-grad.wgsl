<%
// Constants: tile (side of a tile of outputs: 2 or 4), vector (1, 2 or 4, at most that side: rows are loaded in vectors
// of that size).
const range = (n) => [...Array(n).keys()];
const [type, zero] = k.vector === 1 ? ['f32', '0.0'] : [`vec${k.vector}<f32>`, `vec${k.vector}(0.0)`];
const side = k.tile + 2;
const [two, outputs, patch] = [range(2), range(k.tile), range(side)];
// The output gradient where `inside` holds, else zeros, which come with a load at a valid index.
const loaded = (index, inside) => `select(${zero}, outputGrad[select(0u, ${index}, ${inside})], ${inside})`;
%>
// Transform of the output gradient for the weight gradient of Winograd's convolution: each 4×4 tile of outputs becomes
// the 36 values A·y·Aᵀ, or a 2×2 tile becomes 16. Outputs beyond the edge count as zeros.
//
// NCHW -> [position][tile][channel], both extents padded, with zeros as padding. Invocations take the elements of a
// position one after the other, 2 channels each.
//
// Vectors require widths that are multiples of them: a vector is then wholly inside or wholly outside.
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
@group(0) @binding(0) var<storage, read> outputGrad: array<<%= type %>>;
@group(0) @binding(1) var<storage, read_write> transformed: array<vec2<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('/conv2d/cpu/parts/winograd.wgsl', k) %>

<% if (k.tile === 2) { %>
fn transform(y: array<vec2<f32>, 2>) -> array<vec2<f32>, 4> {
  return array(y[0], y[0] + y[1], y[0] - y[1], y[1]);
}
<% } else { %>
fn transform(y: array<vec2<f32>, 4>) -> array<vec2<f32>, 6> {
  let evenA = y[0] + AA * y[2];
  let oddA = A * (y[1] + AA * y[3]);
  let evenB = y[0] + BB * y[2];
  let oddB = B * (y[1] + BB * y[3]);
  return array(y[0], evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, y[3]);
}
<% } %>

// The extents are multiples of 4 and 64, so they fill the workgroups.
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let line = params.channelExtent / 2u;
  let channel = id.x % line * 2u;
  let tile = id.x / line;
  let firstRow = tile / params.tileColumns % params.tileRows * <%= k.tile %>u;
  let firstColumn = tile % params.tileColumns * <%= k.tile %>u;
  let image = tile / (params.tileColumns * params.tileRows);
<% for (const c of outputs) { %>
  let columnInside<%= c %> = firstColumn + <%= c %>u < params.width;
<% } %>
<% for (const v of two) { %>
  let real<%= v %> = channel + <%= v %>u < params.channels && tile < params.tiles;
  let start<%= v %> = ((image * params.channels + channel + <%= v %>u) * params.height + firstRow) * params.width + firstColumn;
<% for (const r of outputs) { %>
  let rowInside<%= v %>_<%= r %> = real<%= v %> && firstRow + <%= r %>u < params.height;
<% for (const c of range(k.tile / k.vector).map((i) => i * k.vector)) { %>
  let part<%= v %>_<%= r %>_<%= c %> = <%= loaded(`(start${v} + ${r}u * params.width) / ${k.vector}u + ${c / k.vector}u`, `rowInside${v}_${r} && columnInside${c}`) %>;
<% for (const i of range(k.vector)) { %>
  let y<%= v %>_<%= r %>_<%= c + i %> = part<%= v %>_<%= r %>_<%= c %><%= k.vector === 1 ? '' : `[${i}]` %>;
<% } %>
<% } %>
<% } %>
<% } %>
<% for (const c of outputs) { %>
  let half<%= c %> = transform(array(<%= outputs.map((r) => `vec2(${two.map((v) => `y${v}_${r}_${c}`).join(', ')})`).join(', ') %>));
<% } %>
<% for (const r of patch) { %>
  let row<%= r %> = transform(array(<%= outputs.map((c) => `half${c}[${r}]`).join(', ') %>));
<% for (const c of patch) { %>
  transformed[id.x + <%= r * side + c %>u * (params.plane / 2u)] = row<%= r %>[<%= c %>];
<% } %>
<% } %>
}

<%
// Constants: wide (rows are loaded in vectors).
const range = (n) => [...Array(n).keys()];
const [two, four, six] = [range(2), range(4), range(6)];
// A number of the output gradient where `inside` holds, else zero. Where it does not, something is loaded that exists.
const loaded = (index, inside) => `select(0.0, outputGrad[select(0u, ${index}, ${inside})], ${inside})`;
%>
// Transform of the output gradient for the weight gradient of Winograd's convolution: each 4×4 tile of outputs becomes the 36
// numbers A·y·Aᵀ. Outputs beyond the edge count as zeros.
//
// NCHW -> [position][tile][channel], both extents padded, the padding written as zeros. Invocations take the elements of a
// position one after the other, 2 channels each.
//
// wide: widths that are multiples of 4, so that a tile's row of outputs is a vector.
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
@group(0) @binding(0) var<storage, read> outputGrad: array<<%= k.wide ? 'vec4<f32>' : 'f32' %>>;
@group(0) @binding(1) var<storage, read_write> transformed: array<vec2<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('parts/winograd.wgsl', {}) %>

fn transform(y: array<vec2<f32>, 4>) -> array<vec2<f32>, 6> {
  let evenA = y[0] + AA * y[2];
  let oddA = A * (y[1] + AA * y[3]);
  let evenB = y[0] + BB * y[2];
  let oddB = B * (y[1] + BB * y[3]);
  return array(y[0], evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, y[3]);
}

// The extents are multiples of 4 and 64, so that workgroups fill them.
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let line = params.channelExtent / 2u;
  let channel = id.x % line * 2u;
  let tile = id.x / line;
  let firstRow = tile / params.tileColumns % params.tileRows * 4u;
  let firstColumn = tile % params.tileColumns * 4u;
  let image = tile / (params.tileColumns * params.tileRows);
<% for (const c of four) { %>
  let columnInside<%= c %> = firstColumn + <%= c %>u < params.width;
<% } %>
<% for (const v of two) { %>
  let real<%= v %> = channel + <%= v %>u < params.channels && tile < params.tiles;
  let start<%= v %> = ((image * params.channels + channel + <%= v %>u) * params.height + firstRow) * params.width + firstColumn;
<% for (const r of four) { %>
  let rowInside<%= v %>_<%= r %> = real<%= v %> && firstRow + <%= r %>u < params.height;
<% if (k.wide) { %>
  let y<%= v %>_<%= r %> = <%= loaded(`(start${v} + ${r}u * params.width) / 4u`, `rowInside${v}_${r}`).replace('0.0', 'vec4(0.0)') %>;
<% } else { %>
  let y<%= v %>_<%= r %> = array(
<% for (const c of four) { %>
    <%= loaded(`start${v} + ${r}u * params.width + ${c}u`, `rowInside${v}_${r} && columnInside${c}`) %>,
<% } %>
  );
<% } %>
<% } %>
<% } %>
<% for (const c of four) { %>
  let half<%= c %> = transform(array(<%= four.map((r) => `vec2(${two.map((v) => `y${v}_${r}[${c}]`).join(', ')})`).join(', ') %>));
<% } %>
<% for (const r of six) { %>
  let row<%= r %> = transform(array(<%= four.map((c) => `half${c}[${r}]`).join(', ') %>));
<% for (const c of six) { %>
  transformed[id.x + <%= r * 6 + c %>u * (params.plane / 2u)] = row<%= r %>[<%= c %>];
<% } %>
<% } %>
}

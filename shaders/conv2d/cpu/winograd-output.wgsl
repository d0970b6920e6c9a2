<%
// Constants: tile (side of a tile of outputs: 2 or 4), tiles (adjacent ones in a row per invocation: 1 or 2), vector
// (1, 2 or 4, at most the columns of those tiles: rows are stored in vectors of that size).
const range = (n) => [...Array(n).keys()];
const side = k.tile + 2;
const [outputs, patch] = [range(k.tile), range(side)];
const values = k.tiles === 2 ? 'vec2<f32>' : 'f32';
// The type of one store.
const stored = k.vector === 1 ? 'f32' : `vec${k.vector}<f32>`;
const finished = (value) => (k.normalised ? `normalised(${value}, norm, place)` : value);
const product = (r, c) => `products[id.x + ${r * side + c}u * (params.plane / ${k.tiles}u)]`;
// An output of the row computed last.
const result = (c) => `row[${c % k.tile}]${k.tiles === 2 ? `[${Math.floor(c / k.tile)}]` : ''}`;
%>
// Output transform of Winograd's convolution: the 36 products m of a tile become its 4×4 outputs Aᵀ·m·A, or 16 become
// 2×2.
//
// [position][channel][tile], both extents padded -> NCHW. Invocations take the tiles of one channel after the other, 2
// at once if every row has pairs of adjacent tiles.
//
// Vectors require widths that are multiples of them: a vector is then wholly inside or wholly outside.
struct Params {
  channels: u32,
  height: u32,
  width: u32,
  tiles: u32,
  tileRows: u32,
  tileColumns: u32,
  tileExtent: u32,
  // Elements from one position to the next.
  plane: u32,
}
@group(0) @binding(0) var<storage, read> products: array<<%= values %>>;
@group(0) @binding(1) var<storage, read_write> output: array<<%= stored %>>;
@group(0) @binding(<%= k.normalised ? 4 : 2 %>) var<uniform> params: Params;
<% if (k.normalised) { %>
<%~ include('/conv2d/parts/normalised.wgsl', { ...k, binding: 2, type: stored }) %>
<% } %>

<%~ include('/conv2d/cpu/parts/winograd.wgsl', k) %>

<% if (k.tile === 2) { %>
fn transform(m: array<<%= values %>, 4>) -> array<<%= values %>, 2> {
  return array(m[0] + (m[1] + m[2]), (m[1] - m[2]) + m[3]);
}
<% } else { %>
fn transform(m: array<<%= values %>, 6>) -> array<<%= values %>, 4> {
  let evenA = m[1] + m[2];
  let oddA = A * (m[1] - m[2]);
  let evenB = m[3] + m[4];
  let oddB = B * (m[3] - m[4]);
  return array(m[0] + evenA + evenB, oddA + oddB, AA * evenA + BB * evenB, AA * oddA + BB * oddB + m[5]);
}
<% } %>

@compute @workgroup_size(<%= 64 / k.tiles %>)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let line = params.tileExtent / <%= k.tiles %>u;
  let tile = id.x % line * <%= k.tiles %>u;
  let channel = id.x / line;
  if (tile >= params.tiles || channel >= params.channels) {
    return;
  }
<% for (const c of patch) { %>
  let half<%= c %> = transform(array(<%= patch.map((r) => product(r, c)).join(', ') %>));
<% } %>
  let firstRow = tile / params.tileColumns % params.tileRows * <%= k.tile %>u;
  let firstColumn = tile % params.tileColumns * <%= k.tile %>u;
  let image = tile / (params.tileColumns * params.tileRows);
  let destination = ((image * params.channels + channel) * params.height + firstRow) * params.width + firstColumn;
<% if (k.normalised) { %>
  let norm = table[channel];
<% } %>
<% for (const r of outputs) { %>
  if (firstRow + <%= r %>u < params.height) {
    let row = transform(array(<%= patch.map((c) => `half${c}[${r}]`).join(', ') %>));
<% for (const c of range(k.tile * k.tiles / k.vector).map((i) => i * k.vector)) { const results = range(k.vector).map((i) => result(c + i)); %>
    if (firstColumn + <%= c %>u < params.width) {
      let place = (destination + <%= r %>u * params.width) / <%= k.vector %>u + <%= c / k.vector %>u;
      output[place] = <%= finished(k.vector === 1 ? results[0] : `${stored}(${results.join(', ')})`) %>;
    }
<% } %>
  }
<% } %>
}

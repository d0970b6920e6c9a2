<%
// Constants: tile (side of a tile of outputs: 2 or 4), tiles (adjacent ones in a row per invocation: 1 or 2), vector
// (1, 2 or 4, at most the columns of those tiles: rows are loaded in vectors of that size).
const range = (n) => [...Array(n).keys()];
const side = k.tile + 2;
const patch = range(side);
const last = k.tile * k.tiles + 1;
const [type, zero] = k.vector === 1 ? ['f32', '0.0'] : [`vec${k.vector}<f32>`, `vec${k.vector}(0.0)`];
const component = (i) => (k.vector === 1 ? '' : `[${i}]`);
// The input where `inside` holds, else zeros, which come with a load at a valid index.
const loaded = (zero, index, component, inside) =>
  `select(${zero}, input[select(0u, ${index}, ${inside})]${component}, ${inside})`;
const inside = (r, c) => `rowInside${r} && columnInside${c}`;
const position = (r, c) => `${r * side + c}u * (params.plane / ${k.tiles}u)`;
%>
// Input transform of Winograd's convolution. Each patch of the input, 6×6 and 4 apart, or 4×4 and 2 apart, has zeros in
// the padding. It becomes the 36 or 16 values Bᵀ·d·B, one for each position of the products in winograd-product.
//
// NCHW input -> [position][channel][tile]. Both extents are padded with zeros. Invocations take the elements of a
// position one after the other, 2 at once if every row has pairs of adjacent tiles. Their patches share 2 columns, and
// are stored as vectors.
//
// Vectors require widths that are multiples of them, and 1 column of padding. A patch then begins with the last element
// of one vector and ends with the first of another.
struct Params {
  channels: u32,
  height: u32,
  width: u32,
  rowPadding: u32,
  columnPadding: u32,
  tiles: u32,
  tileRows: u32,
  tileColumns: u32,
  tileExtent: u32,
  // Elements from one position to the next.
  plane: u32,
}
@group(0) @binding(0) var<storage, read> input: array<<%= type %>>;
@group(0) @binding(1) var<storage, read_write> transformed: array<<%= k.tiles === 2 ? 'vec2<f32>' : 'f32' %>>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('/conv2d/cpu/parts/winograd.wgsl', k) %>

<% if (k.tile === 2) { %>
fn transform(d: array<f32, 4>) -> array<f32, 4> {
  return array(d[0] - d[2], 0.5 * (d[1] + d[2]), 0.5 * (d[2] - d[1]), d[3] - d[1]);
}
<% } else { %>
fn transform(d: array<f32, 6>) -> array<f32, 6> {
  let evenA = AT_A * d[4] - (AT_A * BB) * d[2];
  let oddA = (AT_A * A) * d[3] - (AT_A * A * BB) * d[1];
  let evenB = AT_B * d[4] - (AT_B * AA) * d[2];
  let oddB = (AT_B * B) * d[3] - (AT_B * B * AA) * d[1];
  return array(
    d[0] - (AA + BB) * d[2] + d[4],
    evenA + oddA,
    evenA - oddA,
    evenB + oddB,
    evenB - oddB,
    d[1] - (AA + BB) * d[3] + d[5],
  );
}
<% } %>

// 64 elements per workgroup. The extents are multiples of 4 and 16, so they fill the workgroups.
@compute @workgroup_size(<%= 64 / k.tiles %>)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let line = params.tileExtent / <%= k.tiles %>u;
  let firstTile = id.x % line * <%= k.tiles %>u;
  let ownChannel = id.x / line;
  let real = firstTile < params.tiles && ownChannel < params.channels;
  let tile = min(firstTile, params.tiles - 1u);
  let channel = min(ownChannel, params.channels - 1u);
  let firstRow = tile / params.tileColumns % params.tileRows * <%= k.tile %>u - params.rowPadding;
  let firstColumn = tile % params.tileColumns * <%= k.tile %>u - params.columnPadding;
  let image = tile / (params.tileColumns * params.tileRows);
  let start = ((image * params.channels + channel) * params.height + firstRow) * params.width + firstColumn;
  // Before the first row or column these wrap to huge values, which the comparison also excludes.
<% for (const r of patch) { %>
  let rowInside<%= r %> = real && firstRow + <%= r %>u < params.height;
<% } %>
<% for (const c of range(last + 1)) { %>
  let columnInside<%= c %> = firstColumn + <%= c %>u < params.width;
<% } %>
<% for (const r of patch) { %>
  let row<%= r %> = (start + 1u + <%= r %>u * params.width) / <%= k.vector %>u;
  let d<%= r %>_0 = <%= loaded('0.0', `row${r} - 1u`, component(k.vector - 1), inside(r, 0)) %>;
<% for (const q of range((last - 1) / k.vector)) { const first = 1 + q * k.vector; %>
  let part<%= r %>_<%= q %> = <%= loaded(zero, `row${r} + ${q}u`, '', inside(r, first)) %>;
<% for (const i of range(k.vector)) { %>
  let d<%= r %>_<%= first + i %> = part<%= r %>_<%= q %><%= component(i) %>;
<% } %>
<% } %>
  let d<%= r %>_<%= last %> = <%= loaded('0.0', `row${r} + ${(last - 1) / k.vector}u`, component(0), inside(r, last)) %>;
<% } %>
<% for (const c of range(last + 1)) { %>
  let half<%= c %> = transform(array(<%= patch.map((r) => `d${r}_${c}`).join(', ') %>));
<% } %>
<% for (const r of patch) { %>
<% for (const t of range(k.tiles)) { %>
  let whole<%= r %>_<%= t %> = transform(array(<%= patch.map((c) => `half${k.tile * t + c}[${r}]`).join(', ') %>));
<% } %>
<% for (const c of patch) { const values = range(k.tiles).map((t) => `whole${r}_${t}[${c}]`); %>
  transformed[id.x + <%= position(r, c) %>] = <%= k.tiles === 2 ? `vec2(${values.join(', ')})` : values[0] %>;
<% } %>
<% } %>
}

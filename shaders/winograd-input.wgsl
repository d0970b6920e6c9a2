// Input transform of Winograd's convolution: each 6×6 patch of the input, 4 apart and with zeros in the padding, becomes the
// 36 numbers Bᵀ·d·B, one for each position of the products that winograd-product takes.
//
// NCHW input -> [position][channel][tile], or [position][tile][channel] where the products run over tiles. Both extents are
// padded, and the padding is written as zeros. Neighbouring invocations have neighbouring last indices; workgroup (x, y): 64 of
// the last index, and the index before it.
struct Params {
  channels: u32,
  height: u32,
  width: u32,
  rowPadding: u32,
  columnPadding: u32,
  tiles: u32,
  tileRows: u32,
  tileColumns: u32,
  innerExtent: u32,
  // Elements from one position to the next.
  plane: u32,
}
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> transformed: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('parts/winograd.wgsl', {}) %>

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

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let inner = group.x * 64u + lane;
  let outer = group.y;
<% if (k.tilesLast) { %>
  let tile = min(inner, params.tiles - 1u);
  let channel = min(outer, params.channels - 1u);
  let real = inner < params.tiles && outer < params.channels;
<% } else { %>
  let tile = min(outer, params.tiles - 1u);
  let channel = min(inner, params.channels - 1u);
  let real = outer < params.tiles && inner < params.channels;
<% } %>
  let firstRow = tile / params.tileColumns % params.tileRows * 4u - params.rowPadding;
  let firstColumn = tile % params.tileColumns * 4u - params.columnPadding;
  let image = tile / (params.tileColumns * params.tileRows);
  let start = ((image * params.channels + channel) * params.height + firstRow) * params.width + firstColumn;
<% const six = [0, 1, 2, 3, 4, 5]; %>
<% for (const i of six) { %>
  // Before the first row or column these wrap to huge numbers, which the comparison excludes as well.
  let rowInside<%= i %> = real && firstRow + <%= i %>u < params.height;
  let columnInside<%= i %> = firstColumn + <%= i %>u < params.width;
<% } %>
<% for (const c of six) { %>
  let half<%= c %> = transform(array(
<% for (const r of six) { %>
    select(0.0, input[select(0u, start + <%= r %>u * params.width + <%= c %>u, rowInside<%= r %> && columnInside<%= c %>)], rowInside<%= r %> && columnInside<%= c %>),
<% } %>
  ));
<% } %>
  if (inner >= params.innerExtent) {
    return;
  }
  let destination = outer * params.innerExtent + inner;
<% for (const r of six) { %>
  let row<%= r %> = transform(array(<%= six.map((c) => `half${c}[${r}]`).join(', ') %>));
<% for (const c of six) { %>
  transformed[destination + <%= r * 6 + c %>u * params.plane] = row<%= r %>[<%= c %>];
<% } %>
<% } %>
}

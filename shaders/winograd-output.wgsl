// Output transform of Winograd's convolution: the 36 products m of a tile become its 4×4 outputs Aᵀ·m·A.
//
// [position][channel][tile], both extents padded -> NCHW. Workgroup (x, y): 64 tiles of channel y.
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
@group(0) @binding(0) var<storage, read> products: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('parts/winograd.wgsl', {}) %>

fn transform(m: array<f32, 6>) -> array<f32, 4> {
  let evenA = m[1] + m[2];
  let oddA = A * (m[1] - m[2]);
  let evenB = m[3] + m[4];
  let oddB = B * (m[3] - m[4]);
  return array(m[0] + evenA + evenB, oddA + oddB, AA * evenA + BB * evenB, AA * oddA + BB * oddB + m[5]);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let tile = group.x * 64u + lane;
  if (tile >= params.tiles) {
    return;
  }
  let source = group.y * params.tileExtent + tile;
<% const six = [0, 1, 2, 3, 4, 5]; const four = [0, 1, 2, 3]; %>
<% for (const c of six) { %>
  let half<%= c %> = transform(array(<%= six.map((r) => `products[source + ${r * 6 + c}u * params.plane]`).join(', ') %>));
<% } %>
  let firstRow = tile / params.tileColumns % params.tileRows * 4u;
  let firstColumn = tile % params.tileColumns * 4u;
  let image = tile / (params.tileColumns * params.tileRows);
  let destination = ((image * params.channels + group.y) * params.height + firstRow) * params.width + firstColumn;
<% for (const r of four) { %>
  if (firstRow + <%= r %>u < params.height) {
    let row = transform(array(<%= six.map((c) => `half${c}[${r}]`).join(', ') %>));
<% for (const c of four) { %>
<% if (k.whole) { %>
    output[destination + <%= r %>u * params.width + <%= c %>u] = row[<%= c %>];
<% } else { %>
    if (firstColumn + <%= c %>u < params.width) {
      output[destination + <%= r %>u * params.width + <%= c %>u] = row[<%= c %>];
    }
<% } %>
<% } %>
  }
<% } %>
}

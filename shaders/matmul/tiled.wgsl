<%
// Constants: vector (A is loaded in vectors of 4: aDepth is 1, and all else of A a multiple of 4), along (adjacent
// elements of B are adjacent along the depth, else along the columns), bias.
const range = (n) => [...Array(n).keys()];
const columnOf = (i, j) => (k.along ? `firstColumn + y + ${8 * i + 16 * j}u` : `firstColumn + x + ${16 * j}u`);
const depthOf = (i) => (k.along ? 'depth0 + x' : `depth0 + y + ${8 * i}u`);
%>
// Tiled products C[rows, columns] = A[rows, depth] · B[depth, columns] for GPUs (parts/tiles.wgsl), of operands in any
// layout. A bias [columns] is optional. If the tiles are too few for a GPU, the depth is cut into slices, which
// sum-slices adds up in order. Workgroup (x, y, z): a tile of columns, one of rows, a slice of a batch.
@group(0) @binding(0) var<storage, read> a: array<<%= k.vector ? 'vec4<f32>' : 'f32' %>>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

<%~ include('/matmul/parts/product.wgsl', { binding: 4 }) %>
<%~ include('/parts/tiles.wgsl') %>

fn bAt(start: u32, depth: u32, column: u32, lastDepth: u32) -> f32 {
  let inside = (depth < lastDepth) & (column < params.columns);
  return select(0.0, b[select(0u, start + depth * params.bDepth + column * params.bColumn, inside)], inside);
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let x = lane % WIDE;
  let y = lane / WIDE;
  let begin = beginOf(group.z);
  let rows = params.rows;
  let row0 = group.y * TILE;
  let firstColumn = group.x * TILE;
  let lastDepth = begin.lastDepth;
<% for (const r of range(8)) { %>
  var sum<%= r %> = vec4<f32>();
<% } %>
  for (var depth0 = begin.firstDepth; depth0 < lastDepth; depth0 += DEPTH) {
<%~ include('/parts/tile-load.wgsl', {
  array: 'a',
  place: 'begin.a + row * params.aRow + depth * params.aDepth',
  vector: k.vector,
}) %>
<% for (const i of range(2)) { %>
    tileB[<%= k.along ? `x * ACROSS + y + ${8 * i}u` : `(y + ${8 * i}u) * ACROSS + x` %>] = vec4<f32>(
<%   for (const j of range(4)) { %>
      bAt(begin.b, <%= depthOf(i) %>, <%= columnOf(i, j) %>, lastDepth),
<%   } %>
    );
<% } %>
<%~ include('/parts/tile-product.wgsl') %>
  }
<% for (const j of range(4)) { %>
  {
    let column = firstColumn + x + <%= 16 * j %>u;
    let real = column < params.columns;
<% if (k.bias) { %>
    // Added in the first slice only.
    let shift = select(0.0, bias[select(0u, column, real)], begin.slice == 0u);
<% } %>
<%   for (const r of range(8)) { %>
    {
      let row = row0 + y + <%= 8 * r %>u;
      if (real & (row < rows)) {
        output[begin.output + row * params.columns + column] = sum<%= r %>[<%= j %>]<%= k.bias ? ' + shift' : '' %>;
      }
    }
<%   } %>
  }
<% } %>
}

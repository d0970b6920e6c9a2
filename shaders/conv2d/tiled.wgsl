<%
// Constants: tapRows, tapColumns, vector (A is loaded in vectors of 4: depths are a multiple of 4), sliced (the output
// is partial sums), and those of conv2d/parts/normalised.wgsl and parts/stored.wgsl.
const range = (n) => [...Array(n).keys()];
const result = (sum) => (k.sliced ? sum : `Stored(${k.normalised ? `normalised(${sum}, table[groupOfChannels * rows + row], place)` : sum})`);
%>
// Convolution for GPUs: a tiled product (parts/tiles.wgsl) whose second operand is never stored in memory. NCHW input.
// Rows: channels of the result; columns: its pixels (image, row, column); depth: (channel, tap row, tap column). The
// weights have the product's layout, [row][depth].
//
// The same code computes an input gradient. With stride s, the pixels of each phase (row mod s, column mod s) are a
// convolution of the output gradient with every s-th tap, written s apart.
//
// If the tiles are too few for a GPU, the depth is cut into slices over the workgroups' y. Each writes separate partial
// sums, which sum-slices adds up in order. Each group is a product of its own, also over the workgroups' y.
//
// Input, weights, residual and output may be f16; tiles and partial sums are f32.
<%~ include('/parts/stored.wgsl', k) %>

struct Params {
  batch: u32,
  groups: u32,
  // Of a group: channels that are summed over, and channels of the result.
  channels: u32,
  inHeight: u32,
  inWidth: u32,
  resultChannels: u32,
  // Pixels of the result that this job computes.
  gridHeight: u32,
  gridWidth: u32,
  strideHeight: u32,
  strideWidth: u32,
  // Input pixels from one tap to the next.
  dilationHeight: u32,
  dilationWidth: u32,
  // Input position that tap (0, 0) of pixel (0, 0) reads; negative in the padding.
  originRow: i32,
  originColumn: i32,
  // Pixel (row, column) of the grid is written to row * outStepHeight + outOffsetHeight, likewise columns.
  outHeight: u32,
  outWidth: u32,
  outStepHeight: u32,
  outStepWidth: u32,
  outOffsetHeight: u32,
  outOffsetWidth: u32,
  depths: u32,
  depthsPerSlice: u32,
  rowTiles: u32,
}
@group(0) @binding(0) var<storage, read> input: array<Stored>;
@group(0) @binding(1) var<storage, read> weight: array<<%= k.vector ? 'vec4<Stored>' : 'Stored' %>>;
@group(0) @binding(2) var<storage, read_write> output: array<<%= k.sliced ? 'f32' : 'Stored' %>>;
@group(0) @binding(<%= k.normalised ? 5 : 3 %>) var<uniform> params: Params;
<% if (k.normalised) { %>
<%~ include('/conv2d/parts/normalised.wgsl', { ...k, binding: 3, type: 'f32', stored: 'Stored' }) %>
<% } %>

<%~ include('/parts/tiles.wgsl') %>
const TAP_COLUMNS = <%= k.tapColumns %>u;
const TAPS = <%= k.tapRows * k.tapColumns %>u;

// Returns input[start + offset], or 0 outside the input.
fn inputAt(start: i32, offset: i32, row: i32, column: i32, real: bool) -> f32 {
  let inside = real & (u32(row) < params.inHeight) & (u32(column) < params.inWidth);
  return select(0.0, f32(input[select(0, start + offset, inside)]), inside);
}

@compute @workgroup_size(INVOCATIONS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let x = lane % WIDE;
  let y = lane / WIDE;
  let rows = params.resultChannels;
  let gridPlane = params.gridHeight * params.gridWidth;
  let columns = params.batch * gridPlane;
  let row0 = group.y % params.rowTiles * TILE;
  let firstColumn = (group.z * groups.x + group.x) * TILE;
  let groupOfChannels = group.y / params.rowTiles % params.groups;
  let slice = group.y / params.rowTiles / params.groups;
  let firstDepth = slice * params.depthsPerSlice;
  let lastDepth = min(firstDepth + params.depthsPerSlice, params.depths);
  let width = i32(params.inWidth);
  let inPlane = i32(params.inHeight * params.inWidth);
  // For each of the invocation's columns: where its tap (0, 0) reads. The same for the whole depth.
<% for (const j of range(4)) { %>
  let column<%= j %> = firstColumn + x + <%= j %>u * WIDE;
  let image<%= j %> = column<%= j %> / gridPlane;
  let gridRow<%= j %> = column<%= j %> / params.gridWidth % params.gridHeight;
  let gridColumn<%= j %> = column<%= j %> % params.gridWidth;
  let inRow<%= j %> = i32(gridRow<%= j %> * params.strideHeight) + params.originRow;
  let inColumn<%= j %> = i32(gridColumn<%= j %> * params.strideWidth) + params.originColumn;
  let start<%= j %> = i32((image<%= j %> * params.groups + groupOfChannels) * params.channels) * inPlane + inRow<%= j %> * width + inColumn<%= j %>;
<% } %>
<% for (const r of range(8)) { %>
  var sum<%= r %> = vec4<f32>();
<% } %>
  for (var depth0 = firstDepth; depth0 < lastDepth; depth0 += DEPTH) {
<%~ include('/parts/tile-load.wgsl', {
  array: 'weight',
  place: '(groupOfChannels * rows + row) * params.depths + depth',
  vector: k.vector,
}) %>
    // tileB: two vectors per invocation, adjacent along the columns.
<% for (const i of range(2)) { %>
    {
      let depth = depth0 + y + <%= i %>u * HIGH;
      let tap = depth % TAPS;
      let tapRow = i32(tap / TAP_COLUMNS * params.dilationHeight);
      let tapColumn = i32(tap % TAP_COLUMNS * params.dilationWidth);
      let offset = i32(depth / TAPS) * inPlane + tapRow * width + tapColumn;
      let real = depth < lastDepth;
      tileB[(y + <%= i %>u * HIGH) * ACROSS + x] = vec4<f32>(
<% for (const j of range(4)) { %>
        inputAt(start<%= j %>, offset, inRow<%= j %> + tapRow, inColumn<%= j %> + tapColumn, real & (column<%= j %> < columns)),
<% } %>
      );
    }
<% } %>
<%~ include('/parts/tile-product.wgsl') %>
  }
  let outPlane = params.outHeight * params.outWidth;
  let sliceStart = slice * params.batch * params.groups * rows * outPlane;
  // One separate branch for each sum: some compilers take minutes for nested ones.
<% for (const j of range(4)) { %>
  {
    let real = column<%= j %> < columns;
    let outRow = gridRow<%= j %> * params.outStepHeight + params.outOffsetHeight;
    let outColumn = gridColumn<%= j %> * params.outStepWidth + params.outOffsetWidth;
    let place0 = sliceStart + (image<%= j %> * params.groups + groupOfChannels) * rows * outPlane + outRow * params.outWidth + outColumn;
<%   for (const r of range(8)) { %>
    {
      let row = row0 + y + <%= r %>u * HIGH;
      if (real & (row < rows)) {
        let place = place0 + row * outPlane;
        output[place] = <%= result(`sum${r}[${j}]`) %>;
      }
    }
<%   } %>
  }
<% } %>
}

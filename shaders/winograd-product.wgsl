<%
// Constant: lanes, the subgroup size that shuffles feed: 4 or 8.
const ROWS = 64;
const DEPTHS = 2;
const range = (n) => [...Array(n).keys()];
const xyzw = 'xyzw';
const loads = ROWS / 4 / k.lanes;
%>
// The products of Winograd's convolution for CPU adapters: for each of the 36 positions, output[rows, columns] = the sum over
// depth of a[depth, row] · b[depth, column]. In registers only, fed by shuffles; see conv2d-rows for why.
//
// An invocation sums ROWS rows of 4 neighbouring columns, DEPTHS terms a turn: the loop body then holds 512 multiply-adds,
// and more rows, columns or terms no longer fit the instruction cache. Extents are multiples of all three.
// Workgroup (x, y, z): 4 columns per invocation, ROWS rows, one position.
enable subgroups;
struct Params {
  depth: u32,
  rows: u32,
  columns: u32,
  // Elements from one position to the next.
  planeA: u32,
  planeB: u32,
  planeOutput: u32,
}
@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(<%= k.lanes %>)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let rowStride = params.rows / 4u;
  let columnStride = params.columns / 4u;
  var nextA = (group.z * params.planeA + group.y * <%= ROWS %>u) / 4u + lane;
  var nextB = group.z * params.planeB / 4u + group.x * <%= k.lanes %>u + lane;
  // An array for the reason that conv2d-rows has one.
  var sums: array<f32, <%= ROWS * 4 %>>;
  for (var depth = 0u; depth < params.depth; depth += <%= DEPTHS %>u) {
<% for (const d of range(DEPTHS)) { %>
    let b<%= d %> = b[nextB + <%= d %>u * columnStride];
<% for (const q of range(loads)) { %>
    let a<%= d %>_<%= q %> = a[nextA + <%= d %>u * rowStride + <%= q * k.lanes %>u];
<% } %>
<% } %>
<% for (const row of range(ROWS)) { const vector = row >> 2; %>
    {
<% for (const d of range(DEPTHS)) { %>
      let a<%= d %> = subgroupShuffle(a<%= d %>_<%= Math.floor(vector / k.lanes) %>.<%= xyzw[row & 3] %>, <%= vector % k.lanes %>u);
<% } %>
<% for (const i of range(4)) { %>
      sums[<%= row * 4 + i %>] += <%= range(DEPTHS).map((d) => `a${d} * b${d}.${xyzw[i]}`).join(' + ') %>;
<% } %>
    }
<% } %>
    nextA += <%= DEPTHS %>u * rowStride;
    nextB += <%= DEPTHS %>u * columnStride;
  }
  let destination = group.z * params.planeOutput / 4u + group.y * <%= ROWS %>u * columnStride + group.x * <%= k.lanes %>u + lane;
  for (var row = 0u; row < <%= ROWS %>u; row++) {
    let i = row * 4u;
    output[destination + row * columnStride] = vec4(sums[i], sums[i + 1u], sums[i + 2u], sums[i + 3u]);
  }
}

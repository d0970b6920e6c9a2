<%
// Constants: lanes (subgroup size that shuffles feed: 4 or 8), columns (per invocation: 2 or 4), turned.
const ROWS = 64;
const DEPTHS = 8 / k.columns;
const range = (n) => [...Array(n).keys()];
const xyzw = 'xyzw';
// Where the number of a row lies: the vector loaded, its component, and the lane that loaded it.
const numberOf = (row, depth) =>
  k.turned
    ? { vector: `a${Math.floor(row / k.lanes)}`, component: xyzw[depth], lane: row % k.lanes }
    : { vector: `a${depth}_${Math.floor((row >> 2) / k.lanes)}`, component: xyzw[row & 3], lane: (row >> 2) % k.lanes };
%>
// The products of Winograd's convolution for CPU adapters: for each of the 36 positions, output[row, column] = the sum over
// depth of a[depth, row] · b[depth, column]. In registers only, fed by shuffles; see conv2d-rows for why.
//
// `a` holds [position][depth][row]. Turned, it holds [position][row][depth], and the positions of kernels turned by 180
// degrees: the weights as the forward pass has them serve the input gradient.
//
// An invocation sums ROWS rows of its columns, DEPTHS terms a turn: the loop body then holds 512 multiply-adds, and more of
// them no longer fit the instruction cache. 2 columns are for so few tiles that half of 4 would be padding. Extents are
// multiples of what a workgroup and a turn take.
// Workgroup (x, y, z): the columns of its invocations, ROWS rows, one position.
enable subgroups;
struct Params {
  depth: u32,
  columns: u32,
  // Numbers from one line of a to the next: rows, or depths where it is turned.
  lineA: u32,
  // Elements from one position to the next.
  planeA: u32,
  planeB: u32,
  planeOutput: u32,
}
@group(0) @binding(0) var<storage, read> a: array<vec<%= k.turned ? DEPTHS : 4 %><f32>>;
@group(0) @binding(1) var<storage, read> b: array<vec<%= k.columns %><f32>>;
@group(0) @binding(2) var<storage, read_write> output: array<vec<%= k.columns %><f32>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(<%= k.lanes %>)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let lineB = params.columns / <%= k.columns %>u;
  let row0 = group.y * <%= ROWS %>u;
<% if (k.turned) { %>
  // 0 and ∞, ±A and ±B change places.
  let places = array(5u, 3u, 4u, 1u, 2u, 0u);
  let plane = places[group.z / 6u] * 6u + places[group.z % 6u];
  let lineA = params.lineA / <%= DEPTHS %>u;
  var nextA = plane * params.planeA / <%= DEPTHS %>u + (row0 + lane) * lineA;
<% } else { %>
  let lineA = params.lineA / 4u;
  var nextA = (group.z * params.planeA + row0) / 4u + lane;
<% } %>
  var nextB = group.z * params.planeB / <%= k.columns %>u + group.x * <%= k.lanes %>u + lane;
  // An array for the reason that conv2d-rows has one.
  var sums: array<f32, <%= ROWS * k.columns %>>;
  for (var depth = 0u; depth < params.depth; depth += <%= DEPTHS %>u) {
<% for (const d of range(DEPTHS)) { %>
    let b<%= d %> = b[nextB + <%= d %>u * lineB];
<% if (!k.turned) for (const q of range(ROWS / 4 / k.lanes)) { %>
    let a<%= d %>_<%= q %> = a[nextA + <%= d %>u * lineA + <%= q * k.lanes %>u];
<% } %>
<% } %>
<% if (k.turned) for (const q of range(ROWS / k.lanes)) { %>
    let a<%= q %> = a[nextA + <%= q * k.lanes %>u * lineA];
<% } %>
<% for (const row of range(ROWS)) { %>
    {
<% for (const d of range(DEPTHS)) { const { vector, component, lane } = numberOf(row, d); %>
      let term<%= d %> = subgroupShuffle(<%= vector %>.<%= component %>, <%= lane %>u);
<% } %>
<% for (const i of range(k.columns)) { %>
      sums[<%= row * k.columns + i %>] += <%= range(DEPTHS).map((d) => `term${d} * b${d}.${xyzw[i]}`).join(' + ') %>;
<% } %>
    }
<% } %>
    nextA += <%= k.turned ? '1u' : `${DEPTHS}u * lineA` %>;
    nextB += <%= DEPTHS %>u * lineB;
  }
  let destination = group.z * params.planeOutput / <%= k.columns %>u + row0 * lineB + group.x * <%= k.lanes %>u + lane;
  for (var row = 0u; row < <%= ROWS %>u; row++) {
    let i = row * <%= k.columns %>u;
    output[destination + row * lineB] = vec<%= k.columns %>(<%= range(k.columns).map((i) => `sums[i + ${i}u]`).join(', ') %>);
  }
}

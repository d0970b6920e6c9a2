<%
// Constants: lanes (subgroup size that shuffles feed: 4 or 8), columns (per invocation: 2 or 4), turned, depthsLast.
const ROWS = 64;
const DEPTHS = 8 / k.columns;
const range = (n) => [...Array(n).keys()];
const xyzw = 'xyzw';
// Where the number of a row lies: the vector loaded, its component, and the lane that loaded it.
const numberOf = (row, depth) =>
  k.turned
    ? { vector: `a${Math.floor(row / k.lanes)}`, component: xyzw[depth], lane: row % k.lanes }
    : { vector: `a${depth}_${Math.floor((row >> 2) / k.lanes)}`, component: xyzw[row & 3], lane: (row >> 2) % k.lanes };
// Where the number of a column lies.
const ofB = (column, depth) => (k.depthsLast ? `b${column}.${xyzw[depth]}` : `b${depth}.${xyzw[column]}`);
%>
// The products of Winograd's convolution for CPU adapters: for each of the 36 positions, output[row, column] = the sum over
// depth of a[depth, row] · b[depth, column]. In registers only, fed by shuffles; see conv2d-rows for why.
//
// `a` holds [position][depth][row]. Turned, it holds [position][row][depth], and the positions of kernels turned by 180
// degrees: the weights as the forward pass has them serve the input gradient.
//
// `b` holds [position][depth][column], or with depthsLast [position][column][depth]: the patches that the forward pass made,
// with its tiles as depths, serve the weight gradient. Loads cost the same, as they are those of single invocations.
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
  // The same of b: columns, or depths where those are last.
  lineB: u32,
  // Elements from one position to the next.
  planeA: u32,
  planeB: u32,
  planeOutput: u32,
}
@group(0) @binding(0) var<storage, read> a: array<vec<%= k.turned ? DEPTHS : 4 %><f32>>;
@group(0) @binding(1) var<storage, read> b: array<vec<%= k.depthsLast ? DEPTHS : k.columns %><f32>>;
@group(0) @binding(2) var<storage, read_write> output: array<vec<%= k.columns %><f32>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(<%= k.lanes %>)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
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
  // Of the invocation's columns, counted in vectors of them.
  let place = group.x * <%= k.lanes %>u + lane;
<% if (k.depthsLast) { %>
  let lineB = params.lineB / <%= DEPTHS %>u;
  var nextB = group.z * params.planeB / <%= DEPTHS %>u + place * <%= k.columns %>u * lineB;
<% } else { %>
  let lineB = params.lineB / <%= k.columns %>u;
  var nextB = group.z * params.planeB / <%= k.columns %>u + place;
<% } %>
  // An array for the reason that conv2d-rows has one.
  var sums: array<f32, <%= ROWS * k.columns %>>;
  for (var depth = 0u; depth < params.depth; depth += <%= DEPTHS %>u) {
<% if (k.depthsLast) for (const c of range(k.columns)) { %>
    let b<%= c %> = b[nextB + <%= c %>u * lineB];
<% } %>
<% for (const d of range(DEPTHS)) { %>
<% if (!k.depthsLast) { %>
    let b<%= d %> = b[nextB + <%= d %>u * lineB];
<% } %>
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
      sums[<%= row * k.columns + i %>] += <%= range(DEPTHS).map((d) => `term${d} * ${ofB(i, d)}`).join(' + ') %>;
<% } %>
    }
<% } %>
    nextA += <%= k.turned ? '1u' : `${DEPTHS}u * lineA` %>;
    nextB += <%= k.depthsLast ? '1u' : `${DEPTHS}u * lineB` %>;
  }
  let line = params.columns / <%= k.columns %>u;
  let destination = group.z * params.planeOutput / <%= k.columns %>u + row0 * line + place;
  for (var row = 0u; row < <%= ROWS %>u; row++) {
    let i = row * <%= k.columns %>u;
    output[destination + row * line] = vec<%= k.columns %>(<%= range(k.columns).map((i) => `sums[i + ${i}u]`).join(', ') %>);
  }
}

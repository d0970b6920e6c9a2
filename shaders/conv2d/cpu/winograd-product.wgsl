<%
// Constants: tile (side of a tile of outputs: 2 or 4), lanes (subgroup size that shuffles feed: 4 or 8), columns (per
// invocation: 2 or 4), kernels (whether a is the kernels, else the gradients), turned (of kernels), line (texels of a line of
// what is copied into a texture, b of kernels or else a; 0: nothing is).
const ROWS = 64;
const side = k.tile + 2;
const DEPTHS = k.turned ? 4 : 8 / k.columns;
const range = (n) => [...Array(n).keys()];
const xyzw = 'xyzw';
// Where the number of a row lies: the vector loaded, its component, and the lane that loaded it.
const numberOf = (row, depth) =>
  k.turned
    ? { vector: `a${Math.floor(row / k.lanes)}`, component: xyzw[depth], lane: row % k.lanes }
    : { vector: `a${depth}_${Math.floor((row >> 2) / k.lanes)}`, component: xyzw[row & 3], lane: (row >> 2) % k.lanes };
// Where the number of a column lies.
const ofB = (column, depth) => (k.kernels ? `b${depth}.${xyzw[column]}` : `b${column}.${xyzw[depth]}`);
%>
// The products of Winograd's convolution for CPU adapters: for each of the 36 or 16 positions, output[row, column] = the sum
// over depth of a[depth, row] · b[depth, column]. In registers only, fed by shuffles; see conv2d-rows for why.
//
// Of forward and input gradient `a` is the kernels, the texture that winograd-weight writes: on lavapipe loads of a texture cost
// less than half of a buffer's. `b` holds [position][depth][column]. The input gradient takes the kernels turned, whose rows are
// input channels and depths output channels, and the positions of kernels turned by 180 degrees.
//
// Of the weight gradient `a` holds [position][depth][row], and `b` [position][column][depth]: the patches that the forward pass
// made, with its tiles as depths. Loads cost the same, as they are those of single invocations.
//
// An invocation sums ROWS rows of its columns, DEPTHS terms a turn: the loop body then holds 512 multiply-adds, or 1024 of
// turned kernels; more of them no longer fit the instruction cache. 2 columns are for so few tiles that half of 4 would be
// padding. Extents are multiples of what a workgroup and a turn take.
// Workgroup (x, y, z): the columns of its invocations, ROWS rows, one position.
enable subgroups;
struct Params {
  depth: u32,
  columns: u32,
  // Numbers from one line of a to the next, which are rows. Not of kernels.
  lineA: u32,
  // Numbers from one line of b to the next: columns, or depths where those are last.
  lineB: u32,
  // Elements from one position to the next.
  planeA: u32,
  planeB: u32,
  planeOutput: u32,
}
@group(0) @binding(0) var<% if (k.kernels || k.line) { %> a: texture_storage_2d<rgba32float, read><% } else { %><storage, read> a: array<vec4<f32>><% } %>;
@group(0) @binding(1) var<% if (k.kernels && k.line) { %> b: texture_storage_2d<rgba32float, read><% } else { %><storage, read> b: array<vec<%= k.kernels ? k.columns : DEPTHS %><f32>><% } %>;
@group(0) @binding(2) var<storage, read_write> output: array<vec<%= k.columns %><f32>>;
@group(0) @binding(3) var<uniform> params: Params;

<% if (k.line) { %>
<%~ include('/conv2d/cpu/parts/texel-at.wgsl', k) %>
<% } %>
@compute @workgroup_size(<%= k.lanes %>)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row0 = group.y * <%= ROWS %>u;
<% if (k.turned) { %>
  // 0 and ∞ change places, and points that are the inverse of each other.
  let places = array(<%= k.tile === 2 ? '3u, 1u, 2u, 0u' : '5u, 3u, 4u, 1u, 2u, 0u' %>);
  let position = places[group.z / <%= side %>u] * <%= side %>u + places[group.z % <%= side %>u];
  let startA = (row0 + lane) * <%= ROWS / 4 %>u;
<% } else if (k.kernels) { %>
  let lineA = group.y * <%= side * side %>u + group.z;
  var nextA = lane;
<% } else { %>
  let lineA = params.lineA / 4u;
  var nextA = (group.z * params.planeA + row0) / 4u + lane;
<% } %>
  // Of the invocation's columns, counted in vectors of them.
  let place = group.x * <%= k.lanes %>u + lane;
<% if (k.kernels) { %>
  let lineB = params.lineB / <%= k.columns %>u;
  var nextB = group.z * params.planeB / <%= k.columns %>u + place;
<% } else { %>
  let lineB = params.lineB / <%= DEPTHS %>u;
  var nextB = group.z * params.planeB / <%= DEPTHS %>u + place * <%= k.columns %>u * lineB;
<% } %>
  // An array for the reason that conv2d-rows has one.
  var sums: array<f32, <%= ROWS * k.columns %>>;
  for (var depth = 0u; depth < params.depth; depth += <%= DEPTHS %>u) {
    // All of b before all of a: by turns they take an eighth longer.
<% for (const i of range(k.kernels ? DEPTHS : k.columns)) { %>
    let b<%= i %> = <%= k.kernels && k.line ? `texelAt(b, nextB + ${i}u * lineB)` : `b[nextB + ${i}u * lineB]` %>;
<% } %>
<% if (k.turned) { %>
    let texel = vec2(startA + depth % <%= ROWS %>u / 4u, depth / <%= ROWS %>u * <%= side * side %>u + position);
<% for (const q of range(ROWS / k.lanes)) { %>
    let a<%= q %> = textureLoad(a, texel + vec2(<%= q * k.lanes * ROWS / 4 %>u, 0u));
<% } %>
<% } else for (const d of range(DEPTHS)) for (const q of range(ROWS / 4 / k.lanes)) {
  const load = k.kernels
    ? `textureLoad(a, vec2(nextA + ${(d * ROWS) / 4 + q * k.lanes}u, lineA))`
    : k.line
      ? `texelAt(a, nextA + ${d}u * lineA + ${q * k.lanes}u)`
      : `a[nextA + ${d}u * lineA + ${q * k.lanes}u]`;
%>
    let a<%= d %>_<%= q %> = <%= load %>;
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
<% if (!k.turned) { %>
    nextA += <%= k.kernels ? `${DEPTHS * ROWS / 4}u` : `${DEPTHS}u * lineA` %>;
<% } %>
    nextB += <%= k.kernels ? `${DEPTHS}u * lineB` : '1u' %>;
  }
  let line = params.columns / <%= k.columns %>u;
  let destination = group.z * params.planeOutput / <%= k.columns %>u + row0 * line + place;
  for (var row = 0u; row < <%= ROWS %>u; row++) {
    let i = row * <%= k.columns %>u;
    output[destination + row * line] = vec<%= k.columns %>(<%= range(k.columns).map((i) => `sums[i + ${i}u]`).join(', ') %>);
  }
}

<%
// Constants: tile (side of a tile of outputs: 2 or 4), lanes (subgroup size for shuffles: 4 or 8), columns (per
// invocation: 2 or 4), kernels (whether a is the kernels, else the gradients), turned (kernels rotated by 180°), line
// (texels per line of the operand copied into a texture, which is b with kernels, else a; 0: no copy).
const ROWS = 64;
const side = k.tile + 2;
const DEPTHS = k.turned ? 4 : 8 / k.columns;
const range = (n) => [...Array(n).keys()];
const xyzw = 'xyzw';
// Locates a row value: the loaded vector, its component, and the lane that loaded it.
const numberOf = (row, depth) =>
  k.turned
    ? { vector: `a${Math.floor(row / k.lanes)}`, component: xyzw[depth], lane: row % k.lanes }
    : { vector: `a${depth}_${Math.floor((row >> 2) / k.lanes)}`, component: xyzw[row & 3], lane: (row >> 2) % k.lanes };
// Locates a column value.
const ofB = (column, depth) => (k.kernels ? `b${depth}.${xyzw[column]}` : `b${column}.${xyzw[depth]}`);
%>
// The products of Winograd's convolution for CPU adapters: for each of the 36 or 16 positions, output[row, column] =
// the sum over depth of a[depth, row] · b[depth, column]. In registers only, with shuffles; rows.wgsl gives the reason.
//
// In forward and input gradient `a` is the kernels, in the texture that winograd-weight writes. On lavapipe a load from
// a texture costs less than half of one from a buffer. `b` holds [position][depth][column]. The input gradient rotates
// the kernels by 180°: it swaps positions, and takes input channels as rows and output channels as depths.
//
// In the weight gradient `a` holds [position][depth][row], and `b` [position][column][depth]: the patches from the
// forward pass, with its tiles as depths. Loads cost the same, because they are those of single invocations.
//
// An invocation sums ROWS rows of its columns, DEPTHS terms per step. The loop body then holds 512 multiply-adds, or
// 1024 for rotated kernels; more would not fit the instruction cache. Two columns are for so few tiles that half of 4
// columns would be padding. Extents are multiples of the sizes of a workgroup and a step. Workgroup (x, y, z): the
// columns of its invocations, ROWS rows, one position.
enable subgroups;
struct Params {
  depth: u32,
  columns: u32,
  // Elements from one line of a, a row, to the next. Unused for kernels.
  lineA: u32,
  // Elements from one line of b to the next. A line is a column, or a depth if depths are last.
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
<%~ include('/parts/texel-at.wgsl', k) %>
<% } %>
@compute @workgroup_size(<%= k.lanes %>)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row0 = group.y * <%= ROWS %>u;
<% if (k.turned) { %>
  // 0 and ∞ are swapped, and so are points that are each other's inverse.
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
  // Position of the invocation's columns, in vectors of them.
  let place = group.x * <%= k.lanes %>u + lane;
<% if (k.kernels) { %>
  let lineB = params.lineB / <%= k.columns %>u;
  var nextB = group.z * params.planeB / <%= k.columns %>u + place;
<% } else { %>
  let lineB = params.lineB / <%= DEPTHS %>u;
  var nextB = group.z * params.planeB / <%= DEPTHS %>u + place * <%= k.columns %>u * lineB;
<% } %>
  // An array for the same reason as in rows.wgsl.
  var sums: array<f32, <%= ROWS * k.columns %>>;
  for (var depth = 0u; depth < params.depth; depth += <%= DEPTHS %>u) {
    // Load all of b before all of a: alternating takes an eighth longer.
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

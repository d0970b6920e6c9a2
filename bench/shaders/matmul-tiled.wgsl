<%
// Constants: tileRows, tileColumns, depth (of the slices in workgroup memory), rows and columns (per invocation, multiples
// of 4), m, n, k (extents).
const range = (n) => [...Array(n).keys()];
const xyzw = 'xyzw';
const across = k.tileColumns / k.columns;
const down = k.tileRows / k.rows;
%>
// The yardstick for GPUs: C [m, n] = A · B with tiles in workgroup memory. A is transposed, At [k, m], like packed
// weights; B is [k, n]. So neighbouring invocations read neighbouring values of a row.
//
// A workgroup computes a tile of TILE_ROWS × TILE_COLUMNS. It loads slices of DEPTH rows of At and B into workgroup
// memory, and all its invocations read them; each keeps rows × columns sums in registers. m = 128 gives few tiles, so
// large tiles leave a large GPU idle, but they load less: hence several sizes, of which the fastest counts. Extents are
// multiples of the tiles: the caller omits variants that do not fit.
@group(0) @binding(0) var<storage, read> transposedA: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4<f32>>;

const INVOCATIONS = <%= across * down %>u;
const DEPTH = <%= k.depth %>u;
// In vec4.
const TILE_ROWS = <%= k.tileRows / 4 %>u;
const TILE_COLUMNS = <%= k.tileColumns / 4 %>u;
const ROW_OF_A = <%= k.m / 4 %>u;
const ROW_OF_B = <%= k.n / 4 %>u;

var<workgroup> tileA: array<vec4<f32>, DEPTH * TILE_ROWS>;
var<workgroup> tileB: array<vec4<f32>, DEPTH * TILE_COLUMNS>;

@compute @workgroup_size(<%= across %>, <%= down %>)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row0 = group.y * TILE_ROWS;
  let column0 = group.x * TILE_COLUMNS;
<% for (const r of range(k.rows)) for (const v of range(k.columns / 4)) { %>
  var sum<%= r %>_<%= v %> = vec4<f32>();
<% } %>
  for (var depth0 = 0u; depth0 < <%= k.k %>u; depth0 += DEPTH) {
    for (var i = lane; i < DEPTH * TILE_ROWS; i += INVOCATIONS) {
      tileA[i] = transposedA[(depth0 + i / TILE_ROWS) * ROW_OF_A + row0 + i % TILE_ROWS];
    }
    for (var i = lane; i < DEPTH * TILE_COLUMNS; i += INVOCATIONS) {
      tileB[i] = b[(depth0 + i / TILE_COLUMNS) * ROW_OF_B + column0 + i % TILE_COLUMNS];
    }
    workgroupBarrier();
    for (var d = 0u; d < DEPTH; d++) {
<% for (const q of range(k.rows / 4)) { %>
      let a<%= q %> = tileA[d * TILE_ROWS + local.y * <%= k.rows / 4 %>u + <%= q %>u];
<% } %>
<% for (const v of range(k.columns / 4)) { %>
      // The vectors of an invocation are as far apart as the workgroup is wide: neighbours read neighbouring vectors.
      let b<%= v %> = tileB[d * TILE_COLUMNS + <%= v * across %>u + local.x];
<% } %>
<% for (const r of range(k.rows)) for (const v of range(k.columns / 4)) { %>
      sum<%= r %>_<%= v %> += a<%= Math.floor(r / 4) %>.<%= xyzw[r % 4] %> * b<%= v %>;
<% } %>
    }
    workgroupBarrier();
  }
<% for (const r of range(k.rows)) for (const v of range(k.columns / 4)) { %>
  c[(row0 * 4u + local.y * <%= k.rows %>u + <%= r %>u) * ROW_OF_B + column0 + <%= v * across %>u + local.x] = sum<%= r %>_<%= v %>;
<% } %>
}

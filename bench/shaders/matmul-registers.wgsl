<%
// Constants: rows (result rows per invocation), vectors (vec4 of result columns per invocation), unroll (depths per
// iteration of the loop), lanes (subgroup size for shuffles: 4 or 8; 0: no shuffles), m, n, k (extents).
const range = (n) => [...Array(n).keys()];
const workgroup = k.lanes || 8;
const loads = k.rows / 4 / (k.lanes || 1);
// Row i of A is component i % 4 of vector i / 4; lane i / 4 % lanes has loaded it.
const row = (i, u) => {
  const component = 'xyzw'[i % 4];
  const vector = Math.floor(i / 4);
  if (!k.lanes) return `a${u}_${vector}.${component}`;
  return `subgroupShuffle(a${u}_${Math.floor(vector / k.lanes)}.${component}, ${vector % k.lanes}u)`;
};
%>
// The yardstick for CPU adapters: C [m, n] = A · B in registers only. A is transposed, At [k, m], like packed weights;
// B is [k, n].
//
// One invocation computes ROWS rows × VECTORS · 4 columns. The invocations of a subgroup compute the same rows of
// neighbouring columns. So each loads other rows of A, and subgroupShuffle, one permute instruction, distributes them:
// on lavapipe the loads per multiply-add decide. The sums are in an array indexed by constants, so that a loop can
// store them, which compiles faster. Several depths per iteration save loads and stores of spilled sums. Extents are
// multiples of the tiles: the caller omits variants that do not fit.
<% if (k.lanes) { %>enable subgroups;<% } %>
@group(0) @binding(0) var<storage, read> transposedA: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4<f32>>;

const ROWS = <%= k.rows %>u;
const VECTORS = <%= k.vectors %>u;
const ROW_OF_A = <%= k.m / 4 %>u;
const ROW_OF_B = <%= k.n / 4 %>u;

@compute @workgroup_size(<%= workgroup %>)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row0 = group.y * ROWS;
  let column0 = group.x * <%= workgroup %>u * VECTORS + lane;
  var sums: array<vec4<f32>, <%= k.rows * k.vectors %>>;
  for (var depth = 0u; depth < <%= k.k %>u; depth += <%= k.unroll %>u) {
    let a0 = depth * ROW_OF_A + row0 / 4u<% if (k.lanes) { %> + lane<% } %>;
    let b0 = depth * ROW_OF_B + column0;
<% for (const u of range(k.unroll)) { %>
<% for (const q of range(loads)) { %>
    let a<%= u %>_<%= q %> = transposedA[a0 + <%= u %>u * ROW_OF_A + <%= q * (k.lanes || 1) %>u];
<% } %>
<% for (const v of range(k.vectors)) { %>
    let b<%= u %>_<%= v %> = b[b0 + <%= u %>u * ROW_OF_B + <%= v * workgroup %>u];
<% } %>
<% } %>
<% for (const i of range(k.rows)) { %>
    {
<% for (const u of range(k.unroll)) { %>
      let x<%= u %> = <%= row(i, u) %>;
<% } %>
<% for (const v of range(k.vectors)) { %>
      sums[<%= i * k.vectors + v %>] += <%= range(k.unroll).map((u) => `x${u} * b${u}_${v}`).join(' + ') %>;
<% } %>
    }
<% } %>
  }
  for (var i = 0u; i < ROWS; i++) {
    for (var v = 0u; v < VECTORS; v++) {
      c[(row0 + i) * ROW_OF_B + column0 + v * <%= workgroup %>u] = sums[i * VECTORS + v];
    }
  }
}

<%
// Constants: lanes (subgroup size for shuffles: 4 or 8), rows (of an invocation, a multiple of 4 · lanes), line (texels
// per line of the textures that hold the operands, 0: they are in buffers), inVectors (buffers are loaded in vectors of
// 4), aAlong and bAlong (adjacent elements are adjacent along the depth, else along the rows or the columns), vector
// (the output is stored in vectors of 4), bias.
const range = (n) => [...Array(n).keys()];
const xyzw = 'xyzw';
const DEPTHS = k.aAlong || k.bAlong ? 4 : 2;
// Vectors of A that a lane loads: each of 4 depths of a row, or of 4 rows of one of the depths.
const vectorsA = range(k.aAlong ? k.rows / k.lanes : k.rows / 4 / k.lanes);
// Locates a value of A: the loaded vector, its component, and the lane that loaded it.
const valueOf = (row, depth) =>
  k.aAlong
    ? { vector: `a${Math.floor(row / k.lanes)}`, component: xyzw[depth], lane: row % k.lanes }
    : { vector: `a${depth}_${Math.floor((row >> 2) / k.lanes)}`, component: xyzw[row & 3], lane: (row >> 2) % k.lanes };
const termsOf = (ofB) => range(DEPTHS).map((d) => `term${d} * ${ofB(d)}`).join(' + ');
// Four adjacent values of an operand, `first` and the next ones, of which those after `last` do not matter. `line` is
// where their line begins.
const load = (name, line, first, last) => {
  if (k.line) return `texelAt(${name}, ${line} + ${first} / 4u)`;
  if (k.inVectors) return `${name}[${line} + ${first} / 4u]`;
  const numbers = range(4).map((c) => `${name}[${line} + min(${first} + ${c}u, ${last})]`);
  return `vec4(${numbers.join(', ')})`;
};
const variable = k.line ? 'var' : 'var<storage, read>';
const type = k.line ? 'texture_storage_2d<rgba32float, read>' : k.inVectors ? 'array<vec4<f32>>' : 'array<f32>';
%>
// Products C[rows, columns] = A[rows, depth] · B[depth, columns] for CPU adapters, in registers only, of operands in
// any layout. A bias [columns] is optional.
//
// An invocation computes `rows` rows of 4 columns. The invocations of a subgroup compute the same rows of adjacent
// columns; each loads other values of A, and subgroupShuffle distributes them; conv2d/cpu/rows.wgsl gives the reason. A
// step takes 4 depths if they are adjacent in an operand, else 2: with 64 rows 1024 or 512 multiply-adds, more than
// which would not fit the instruction cache. Loads stand in their order for a reason too: alternating takes longer.
//
// Rows, columns and depths beyond the end load the last ones again. Of these, depths count as 0 and the others are not
// stored. Workgroup (x, y, z): the columns of its invocations, `rows` rows, a slice of a batch.
enable subgroups;
@group(0) @binding(0) <%= variable %> a: <%= type %>;
@group(0) @binding(1) <%= variable %> b: <%= type %>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<<%= k.vector ? 'vec4<f32>' : 'f32' %>>;

// All distances in A and B are in elements of their arrays or texels.
<%~ include('/matmul/parts/product.wgsl', { binding: 4 }) %>
<% if (k.line) { %>
<%~ include('/parts/texel-at.wgsl', k) %>
<% } %>

@compute @workgroup_size(<%= k.lanes %>)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let begin = beginOf(group.z);
  let row0 = group.y * <%= k.rows %>u;
  let column0 = (group.x * <%= k.lanes %>u + lane) * 4u;
  let lastRow = params.rows - 1u;
  let lastColumn = params.columns - 1u;
  let lastDepth = max(begin.lastDepth, 1u) - 1u;
<% for (const q of vectorsA) { %>
<%   if (k.aAlong) { %>
  let lineA<%= q %> = begin.a + min(row0 + lane + <%= q * k.lanes %>u, lastRow) * params.aRow;
<%   } else { %>
  let rowA<%= q %> = min(row0 + (lane + <%= q * k.lanes %>u) * 4u, lastRow);
<%   } %>
<% } %>
<% if (k.bAlong) for (const i of range(4)) { %>
  let lineB<%= i %> = begin.b + min(column0 + <%= i %>u, lastColumn) * params.bColumn;
<% } else { %>
  let columnB = min(column0, lastColumn);
<% } %>
  // An array for the same reason as in conv2d/cpu/rows.wgsl.
  var sums: array<vec4<f32>, <%= k.rows %>>;
  for (var depth = begin.firstDepth; depth < begin.lastDepth; depth += <%= DEPTHS %>u) {
<% for (const d of range(DEPTHS)) { %>
    let inside<%= d %> = depth + <%= d %>u < begin.lastDepth;
<%   if (!k.aAlong || !k.bAlong) { %>
    let depth<%= d %> = min(depth + <%= d %>u, lastDepth);
<%   } %>
<% } %>
<% if (k.aAlong || k.bAlong) { %>
    let inside = vec4(inside0, inside1, inside2, inside3);
<% } %>
<% if (k.bAlong) for (const i of range(4)) { %>
    let b<%= i %> = select(vec4<f32>(), <%= load('b', `lineB${i}`, 'depth', 'lastDepth') %>, inside);
<% } else for (const d of range(DEPTHS)) { %>
    let b<%= d %> = select(vec4<f32>(), <%= load('b', `begin.b + depth${d} * params.bDepth`, 'columnB', 'lastColumn') %>, inside<%= d %>);
<% } %>
<% if (k.aAlong) for (const q of vectorsA) { %>
    let a<%= q %> = select(vec4<f32>(), <%= load('a', `lineA${q}`, 'depth', 'lastDepth') %>, inside);
<% } else for (const d of range(DEPTHS)) for (const q of vectorsA) { %>
    let a<%= d %>_<%= q %> = select(vec4<f32>(), <%= load('a', `begin.a + depth${d} * params.aDepth`, `rowA${q}`, 'lastRow') %>, inside<%= d %>);
<% } %>
<% for (const row of range(k.rows)) { %>
    {
<% for (const d of range(DEPTHS)) { const { vector, component, lane } = valueOf(row, d); %>
      let term<%= d %> = subgroupShuffle(<%= vector %>.<%= component %>, <%= lane %>u);
<% } %>
<% if (k.bAlong) { %>
      sums[<%= row %>] += vec4(<%= range(4).map((i) => termsOf((d) => `b${i}.${xyzw[d]}`)).join(', ') %>);
<% } else { %>
      sums[<%= row %>] += <%= termsOf((d) => `b${d}`) %>;
<% } %>
    }
<% } %>
  }
  if (column0 > lastColumn) {
    return;
  }
  let rows = min(<%= k.rows %>u, params.rows - row0);
  let start = begin.output + row0 * params.columns + column0;
<% if (k.bias) { %>
  // Added in the first slice only.
  var shift = vec4<f32>();
  if (begin.slice == 0u) {
    shift = vec4(<%= range(4).map((c) => `bias[min(column0 + ${c}u, lastColumn)]`).join(', ') %>);
  }
<% } %>
<% const value = k.bias ? 'sums[row] + shift' : 'sums[row]'; %>
  for (var row = 0u; row < rows; row++) {
<% if (k.vector) { %>
    output[(start + row * params.columns) / 4u] = <%= value %>;
<% } else { %>
    let values = <%= value %>;
    for (var column = 0u; column < min(4u, params.columns - column0); column++) {
      output[start + row * params.columns + column] = values[column];
    }
<% } %>
  }
}

<%
// Constants: those of max-pool-forward.wgsl without dilation and argmax; countPadding; divisor (0: the size of the
// window). Or adaptive, with loops and without kernel, stride and padding.
const range = (n) => [...Array(n).keys()];
const type = (name, floats) => (floats === 1 ? name : `vec${floats}<${name}>`);
const covered = (c) => k.inputColumns.filter((j) => j >= c * k.strideWidth && j < c * k.strideWidth + k.kernelWidth);
%>
// Mean over windows: input [planes, height, width] -> output [planes, outHeight, outWidth]. Padding counts as zeros.
// Windows of adaptive pooling share the image evenly.
//
// An invocation computes COLUMNS adjacent outputs of a row, and loads pixels that their windows share once. It adds the
// rows of each column, then the columns of each window. In place of padding it reads the nearest pixel of the image,
// and drops it. Windows with too many taps to unroll, and adaptive ones, use a loop: runs of RUN pixels of a row, then
// the runs, so that no chain of additions is long.
//
// Vectors require rows that divide into them, and windows that do not reach beyond the last column.
<%~ include('/parts/stored.wgsl', k) %>

struct Params { planes: u32, height: u32, width: u32, outHeight: u32, outWidth: u32 }
@group(0) @binding(0) var<storage, read> input: array<<%= type('Stored', k.inVector) %>>;
@group(0) @binding(1) var<storage, read_write> output: array<<%= type('Stored', k.outVector) %>>;
@group(0) @binding(2) var<uniform> params: Params;

<% if (!k.adaptive) { %>
const KERNEL = vec2<u32>(<%= k.kernelWidth %>u, <%= k.kernelHeight %>u);
const STRIDE = vec2<u32>(<%= k.strideWidth %>u, <%= k.strideHeight %>u);
const PADDING = vec2<u32>(<%= k.paddingWidth %>u, <%= k.paddingHeight %>u);
<% } %>
const COLUMNS = <%= k.columns %>u;
const LANES_X = <%= k.lanesX %>u;
const LANES_Y = <%= k.lanesY %>u;
const WORKGROUP = LANES_X * LANES_Y;
const RUN = 32u;

<%~ include('/pooling/parts/average-windows.wgsl', k) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let x = (group.x * LANES_X + lane % LANES_X) * COLUMNS;
  let y = group.y * LANES_Y + lane / LANES_X;
  if (x >= params.outWidth || y >= params.outHeight) { return; }
  let rows = rowsOf(y);
<% for (const c of range(k.columns)) { %>
  let columns<%= c %> = columnsOf(x + <%= c %>u);
  let divisor<%= c %> = divisorOf(rows, columns<%= c %>);
<% } %>
<% if (!k.loops) { %>
<%   for (const j of k.inputColumns) { %>
  let tapX<%= j %> = x * STRIDE.x + <%= j %>u;
  let insideX<%= j %> = (tapX<%= j %> >= PADDING.x) & (tapX<%= j %> < params.width + PADDING.x);
  let column<%= j %> = min(max(tapX<%= j %>, PADDING.x) - PADDING.x, params.width - 1u);
<%   } %>
<%   for (const i of range(k.kernelHeight)) { %>
  let tapY<%= i %> = y * STRIDE.y + <%= i %>u;
  let insideY<%= i %> = (tapY<%= i %> >= PADDING.y) & (tapY<%= i %> < params.height + PADDING.y);
  let row<%= i %> = min(max(tapY<%= i %>, PADDING.y) - PADDING.y, params.height - 1u) * params.width;
<%   } %>
<% } %>
  for (var p = group.z; p < params.planes; p += groups.z) {
    let plane = p * params.height * params.width;
    let o = (p * params.outHeight + y) * params.outWidth + x;
<% if (k.loops) { %>
    var sum = 0.0;
    for (var row = rows.first; row < rows.end; row++) {
      let end = plane + row * params.width + columns0.end;
      for (var start = plane + row * params.width + columns0.first; start < end; start += RUN) {
        var run = 0.0;
        for (var i = start; i < min(start + RUN, end); i++) { run += f32(input[i]); }
        sum += run;
      }
    }
    let mean0 = sum / divisor0;
<% } else { %>
<%   for (const i of range(k.kernelHeight)) { %>
<%~ include('/pooling/parts/row.wgsl', { ...k, row: i }) %>
<%   } %>
<%   for (const j of k.inputColumns) { %>
    let sum<%= j %> = select(0.0, <%= range(k.kernelHeight).map((i) => `select(0.0, value${i}_${j}, insideY${i})`).join(' + ') %>, insideX<%= j %>);
<%   } %>
<%   for (const c of range(k.columns)) { %>
    let mean<%= c %> = (<%= covered(c).map((j) => `sum${j}`).join(' + ') %>) / divisor<%= c %>;
<%   } %>
<% } %>
<% for (let c = 0; c < k.columns; c += k.outVector) { const means = range(k.outVector).map((v) => `mean${c + v}`).join(', '); %>
    if (x + <%= c %>u < params.outWidth) {
      output[(o + <%= c %>u) / <%= k.outVector %>u] = <%= type('Stored', k.outVector) %>(<%= k.outVector === 1 ? means : `${type('f32', k.outVector)}(${means})` %>);
    }
<% } %>
  }
}

<%
// For the values of k see unrolled-windows.ts and average-forward.wgsl.
const range = (n) => [...Array(n).keys()];
const label = (n) => (n < 0 ? `Before${-n}` : `${n}`);
const added = (terms) => (terms.length > 0 ? terms.join(' + ') : '0.0');
%>
// Gradient of average pooling: inputGrad [planes, height, width] from outputGrad [planes, outHeight, outWidth].
//
// Gathers instead of scattering: each input pixel sums the shares of the windows that cover it: their gradient divided
// by the number of pixels that they count. This needs no atomics and keeps a fixed order. An invocation takes a tile of
// ROWS x COLUMNS pixels and loads each window that touches it once, as in max-pool-backward.wgsl. If that needs too
// much code, and for adaptive pooling, an invocation takes one pixel and loops over its windows: runs of RUN windows of
// a row, then the runs.
struct Params { planes: u32, height: u32, width: u32, outHeight: u32, outWidth: u32 }
@group(0) @binding(0) var<storage, read> outputGrad: array<<%= k.inVector > 1 ? `vec${k.inVector}<f32>` : 'f32' %>>;
@group(0) @binding(1) var<storage, read_write> inputGrad: array<<%= k.outVector > 1 ? `vec${k.outVector}<f32>` : 'f32' %>>;
@group(0) @binding(2) var<uniform> params: Params;

<% if (!k.adaptive) { %>
const KERNEL = vec2<u32>(<%= k.kernelWidth %>u, <%= k.kernelHeight %>u);
const STRIDE = vec2<u32>(<%= k.strideWidth %>u, <%= k.strideHeight %>u);
const PADDING = vec2<u32>(<%= k.paddingWidth %>u, <%= k.paddingHeight %>u);
<% } %>
const ROWS = <%= k.rows %>u;
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
  let y = (group.y * LANES_Y + lane / LANES_X) * ROWS;
  if (x >= params.width || y >= params.height) { return; }
<% if (k.loops || k.adaptive) { %>
  let rows = rowsOver(y);
  let columns = columnsOver(x);
<% } %>
<% if (k.adaptive && !k.loops) { %>
  // Two windows at most cover a pixel; a second one that does not is taken as one that does not exist.
  let row0 = rows.x;
  let row1 = select(params.outHeight, rows.x + 1u, rows.x + 1u < rows.y);
  let column0 = columns.x;
  let column1 = select(params.outWidth, columns.x + 1u, columns.x + 1u < columns.y);
<% } else if (!k.loops) { %>
<%~ include('/pooling/parts/tile.wgsl', k) %>
<% } %>
<% if (!k.loops) { %>
<%   for (const a of k.windowRows) { %>
  let rowWindow<%= label(a) %> = rowsOf(row<%= label(a) %>);
<%   } %>
<%   for (const b of k.windowColumns) { %>
  let columnWindow<%= label(b) %> = columnsOf(column<%= label(b) %>);
<%   } %>
<% } %>
  for (var p = group.z; p < params.planes; p += groups.z) {
    let windows = p * params.outHeight * params.outWidth;
    let first = (p * params.height + y) * params.width + x;
<% if (k.loops) { %>
    var sum0_0 = 0.0;
    for (var row = rows.x; row < rows.y; row++) {
      let rowWindow = rowsOf(row);
      for (var start = columns.x; start < columns.y; start += RUN) {
        var run = 0.0;
        for (var column = start; column < min(start + RUN, columns.y); column++) {
          run += outputGrad[windows + row * params.outWidth + column] / divisorOf(rowWindow, columnsOf(column));
        }
        sum0_0 += run;
      }
    }
<% } else { %>
<%   for (const a of k.windowRows) for (const load of k.windowLoads) { const name = `${label(a)}_${label(load.first)}`; %>
<%~ include('/pooling/parts/window-grad.wgsl', { ...k, a, load }) %>
<%     for (const n of range(load.floats)) { const b = load.first + n; %>
    let share<%= label(a) %>_<%= label(b) %> = select(0.0, grad<%= name %><%= load.floats > 1 ? `[${n}]` : '' %> / divisorOf(rowWindow<%= label(a) %>, columnWindow<%= label(b) %>), inside<%= name %>);
<%     } %>
<%   } %>
<%   for (const i of range(k.rows)) { %>
<%     for (const b of k.windowColumns) { %>
    let shares<%= i %>_<%= label(b) %> = <%= added(k.rowWindows[i].map((a) => `share${label(a)}_${label(b)}`)) %>;
<%     } %>
<%     for (const j of range(k.columns)) { %>
    let sum<%= i %>_<%= j %> = <%= added(k.columnWindows[j].map((b) => `shares${i}_${label(b)}`)) %>;
<%     } %>
<%   } %>
<% } %>
<%~ include('/pooling/parts/store-tile.wgsl', k) %>
  }
}

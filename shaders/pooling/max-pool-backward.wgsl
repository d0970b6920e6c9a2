<%
// For the values of k see unrolled-windows.ts.
const range = (n) => [...Array(n).keys()];
const pixels = range(k.rows).flatMap((i) => range(k.columns).map((j) => ({ i, j, sum: `sum${i}_${j}` })));
const type = (name, floats) => (floats === 1 ? name : `vec${floats}<${name}>`);
const label = (n) => (n < 0 ? `Before${-n}` : `${n}`);
%>
// Gradient of max pooling: inputGrad [planes, height, width] from outputGrad and argmax [planes, outHeight, outWidth].
//
// Gathers instead of scattering: each input pixel checks the windows that cover it, row by row, and sums the gradients
// of those whose maximum it is. This needs no atomics and keeps a fixed order. An invocation takes a tile of ROWS x
// COLUMNS pixels and loads each window that touches it once. The tile's sides are multiples of the strides, so the
// template knows which windows cover which pixel. If that needs too much code, an invocation takes one pixel and loops
// over its windows. Vectors require rows that divide into them.
struct Params { planes: u32, height: u32, width: u32, outHeight: u32, outWidth: u32 }
@group(0) @binding(0) var<storage, read> argmax: array<<%= type('u32', k.inVector) %>>;
@group(0) @binding(1) var<storage, read> outputGrad: array<<%= type('f32', k.inVector) %>>;
@group(0) @binding(2) var<storage, read_write> inputGrad: array<<%= type('f32', k.outVector) %>>;
@group(0) @binding(3) var<uniform> params: Params;

const KERNEL = vec2<u32>(<%= k.kernelWidth %>u, <%= k.kernelHeight %>u);
const STRIDE = vec2<u32>(<%= k.strideWidth %>u, <%= k.strideHeight %>u);
const PADDING = vec2<u32>(<%= k.paddingWidth %>u, <%= k.paddingHeight %>u);
const ROWS = <%= k.rows %>u;
const COLUMNS = <%= k.columns %>u;
const LANES_X = <%= k.lanesX %>u;
const LANES_Y = <%= k.lanesY %>u;
const WORKGROUP = LANES_X * LANES_Y;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let x = (group.x * LANES_X + lane % LANES_X) * COLUMNS;
  let y = (group.y * LANES_Y + lane / LANES_X) * ROWS;
  if (x >= params.width || y >= params.height) { return; }
  let place = y * params.width + x;
<% if (k.loops) { %>
  let left = select(0u, (x + PADDING.x - KERNEL.x) / STRIDE.x + 1u, x + PADDING.x >= KERNEL.x);
  let right = min((x + PADDING.x) / STRIDE.x + 1u, params.outWidth);
  let top = select(0u, (y + PADDING.y - KERNEL.y) / STRIDE.y + 1u, y + PADDING.y >= KERNEL.y);
  let bottom = min((y + PADDING.y) / STRIDE.y + 1u, params.outHeight);
<% } else { %>
<%~ include('/pooling/parts/tile.wgsl', k) %>
<% } %>
  for (var p = group.z; p < params.planes; p += groups.z) {
    let windows = p * params.outHeight * params.outWidth;
    let first = p * params.height * params.width + place;
<% for (const { sum } of pixels) { %>
    var <%= sum %> = 0.0;
<% } %>
<% if (k.loops) { %>
    for (var row = top; row < bottom; row++) {
      for (var column = left; column < right; column++) {
        let o = windows + row * params.outWidth + column;
        if (argmax[o] == place) { sum0_0 += outputGrad[o]; }
      }
    }
<% } else { %>
<% for (const a of k.windowRows) for (const load of k.windowLoads) {
  const { first, floats, component } = load;
  const name = `${label(a)}_${label(first)}`;
%>
<%~ include('/pooling/parts/window-grad.wgsl', { ...k, a, load }) %>
    let maximum<%= name %> = argmax[at<%= name %>]<%= floats < k.inVector ? `[${component}]` : '' %>;
<%   for (const b of range(floats).map((n) => first + n)) for (const { i, j, sum } of pixels) if (k.rowWindows[i].includes(a) && k.columnWindows[j].includes(b)) { const of = floats > 1 ? `[${b - first}]` : ''; %>
    <%= sum %> += select(0.0, grad<%= name %><%= of %>, maximum<%= name %><%= of %> == place + <%= i %>u * params.width + <%= j %>u);
<%   } %>
<% } %>
<% } %>
<%~ include('/pooling/parts/store-tile.wgsl', k) %>
  }
}

<%
// Constants: tile (side of a tile of outputs: 2 or 4).
const side = k.tile + 2;
const patch = [...Array(side).keys()];
%>
// Last step of the weight gradient of Winograd's convolution: the 36 products u of a kernel, or 16 of the smaller
// tiles, become its 3×3 gradient Gᵀ·u·G.
//
// [position][output channel][input channel], both extents padded -> OIHW. Workgroup (x, y): 64 input channels of output
// channel y.
struct Params {
  inChannels: u32,
  inExtent: u32,
  // Elements from one position to the next.
  plane: u32,
}
@group(0) @binding(0) var<storage, read> products: array<f32>;
@group(0) @binding(1) var<storage, read_write> weightGrad: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('/conv2d/cpu/parts/winograd.wgsl', k) %>

<% if (k.tile === 2) { %>
fn transform(u: array<f32, 4>) -> array<f32, 3> {
  // As in winograd-weight.wgsl, in reverse.
  let even = u[1] + u[2];
  return array(u[0] + even, u[1] - u[2], even + u[3]);
}
<% } else { %>
fn transform(u: array<f32, 6>) -> array<f32, 3> {
  // As in winograd-weight.wgsl, in reverse.
  let evenA = u[1] + u[2];
  let evenB = u[3] + u[4];
  return array(u[0] + B * evenA + A * evenB, (u[1] - u[2]) + (u[3] - u[4]), A * evenA + B * evenB + u[5]);
}
<% } %>

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let inChannel = group.x * 64u + lane;
  if (inChannel >= params.inChannels) {
    return;
  }
  let source = group.y * params.inExtent + inChannel;
<% for (const c of patch) { %>
  let half<%= c %> = transform(array(<%= patch.map((r) => `products[source + ${r * side + c}u * params.plane]`).join(', ') %>));
<% } %>
  let destination = (group.y * params.inChannels + inChannel) * 9u;
<% for (const r of [0, 1, 2]) { %>
  let row<%= r %> = transform(array(<%= patch.map((c) => `half${c}[${r}]`).join(', ') %>));
<% for (const c of [0, 1, 2]) { %>
  weightGrad[destination + <%= r * 3 + c %>u] = row<%= r %>[<%= c %>];
<% } %>
<% } %>
}

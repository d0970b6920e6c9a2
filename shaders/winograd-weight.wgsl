// Weight transform of Winograd's convolution: each 3×3 kernel becomes the 36 numbers G·g·Gᵀ.
//
// OIHW -> [position][input channel][output channel], both extents padded, the padding written as zeros.
// Workgroup (x, y): 64 output channels of input channel y.
struct Params {
  inChannels: u32,
  outChannels: u32,
  outExtent: u32,
  // Elements from one position to the next.
  plane: u32,
}
@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read_write> transformed: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('parts/winograd.wgsl', {}) %>

fn transform(g: array<f32, 3>) -> array<f32, 6> {
  // Times B at ±A, times A at ±B; A · B = 1.
  let evenA = B * g[0] + A * g[2];
  let evenB = A * g[0] + B * g[2];
  return array(g[0], evenA + g[1], evenA - g[1], evenB + g[1], evenB - g[1], g[2]);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let outChannel = group.x * 64u + lane;
  let inChannel = group.y;
  let real = outChannel < params.outChannels && inChannel < params.inChannels;
  let start = select(0u, (outChannel * params.inChannels + inChannel) * 9u, real);
<% for (const c of [0, 1, 2]) { %>
  let half<%= c %> = transform(array(
<% for (const r of [0, 1, 2]) { %>
    select(0.0, weight[start + <%= r * 3 + c %>u], real),
<% } %>
  ));
<% } %>
  if (outChannel >= params.outExtent) {
    return;
  }
  let destination = inChannel * params.outExtent + outChannel;
<% for (const r of [0, 1, 2, 3, 4, 5]) { %>
  let row<%= r %> = transform(array(half0[<%= r %>], half1[<%= r %>], half2[<%= r %>]));
<% for (const c of [0, 1, 2, 3, 4, 5]) { %>
  transformed[destination + <%= r * 6 + c %>u * params.plane] = row<%= r %>[<%= c %>];
<% } %>
<% } %>
}

// Weight transform of Winograd's convolution: each 3×3 kernel becomes the 36 numbers G·g·Gᵀ.
//
// OIHW -> [position][summed channel][result channel], both extents padded, the padding written as zeros. Forwards the input
// channels are summed over; for the input gradient the output channels are, and the kernel is turned by 180 degrees.
// Workgroup (x, y): 64 result channels of summed channel y.
struct Params {
  summed: u32,
  results: u32,
  summedExtent: u32,
  resultExtent: u32,
  // Elements from one position to the next.
  plane: u32,
}
@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read_write> transformed: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('parts/winograd.wgsl', {}) %>

fn transform(g: array<f32, 3>) -> array<f32, 6> {
  let evenA = (g[0] + AA * g[2]) * AT_A;
  let oddA = g[1] * (A * AT_A);
  let evenB = (g[0] + BB * g[2]) * AT_B;
  let oddB = g[1] * (B * AT_B);
  return array(g[0], evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, g[2]);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let result = group.x * 64u + lane;
  let summed = group.y;
  let real = result < params.results && summed < params.summed;
<% if (k.turned) { %>
  let start = select(0u, (summed * params.results + result) * 9u, real);
<% } else { %>
  let start = select(0u, (result * params.summed + summed) * 9u, real);
<% } %>
<% for (const c of [0, 1, 2]) { %>
  let half<%= c %> = transform(array(
<% for (const r of [0, 1, 2]) { %>
    select(0.0, weight[start + <%= k.turned ? 8 - r * 3 - c : r * 3 + c %>u], real),
<% } %>
  ));
<% } %>
  if (result >= params.resultExtent) {
    return;
  }
  let destination = summed * params.resultExtent + result;
<% for (const r of [0, 1, 2, 3, 4, 5]) { %>
  let row<%= r %> = transform(array(half0[<%= r %>], half1[<%= r %>], half2[<%= r %>]));
<% for (const c of [0, 1, 2, 3, 4, 5]) { %>
  transformed[destination + <%= r * 6 + c %>u * params.plane] = row<%= r %>[<%= c %>];
<% } %>
<% } %>
}

<%
// Constants: tile (side of a tile of outputs: 2 or 4).
const side = k.tile + 2;
const [four, patch] = [[0, 1, 2, 3], [...Array(side).keys()]];
%>
// Weight transform of Winograd's convolution: each 3×3 kernel becomes the 36 values G·g·Gᵀ, or 16 for the smaller
// tiles.
//
// OIHW -> the source of a copy into a texture: [block of 64 output channels][position] lines of [input channel][output
// channel of the block], 4 output channels per texel. A workgroup of winograd-product reads within one line. Both
// extents are padded with zeros to 64. Workgroup (x, y): output channels x * 16 … of input channels y * 16 …. An
// invocation takes 4 output channels of one input channel. A subgroup takes adjacent input channels: with adjacent
// output channels it took more than twice as long.
struct Params {
  inChannels: u32,
  outChannels: u32,
  // First block of output channels to write.
  firstBlock: u32,
  // Texels per line.
  line: u32,
}
@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read_write> transformed: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('/conv2d/cpu/parts/winograd.wgsl', k) %>

<% if (k.tile === 2) { %>
fn transform(g: array<vec4<f32>, 3>) -> array<vec4<f32>, 4> {
  let even = g[0] + g[2];
  return array(g[0], even + g[1], even - g[1], g[2]);
}
<% } else { %>
fn transform(g: array<vec4<f32>, 3>) -> array<vec4<f32>, 6> {
  // Times B at ±A, times A at ±B; A · B = 1.
  let evenA = B * g[0] + A * g[2];
  let evenB = A * g[0] + B * g[2];
  return array(g[0], evenA + g[1], evenA - g[1], evenB + g[1], evenB - g[1], g[2]);
}
<% } %>

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let inChannel = group.y * 16u + lane % 16u;
  let place = group.x * 4u + lane / 16u;
  let quad = params.firstBlock * 16u + place;
<% for (const v of four) { %>
  let outChannel<%= v %> = quad * 4u + <%= v %>u;
  let real<%= v %> = outChannel<%= v %> < params.outChannels && inChannel < params.inChannels;
  let start<%= v %> = select(0u, (outChannel<%= v %> * params.inChannels + inChannel) * 9u, real<%= v %>);
<% } %>
<% for (const c of [0, 1, 2]) { %>
  let half<%= c %> = transform(array(
<% for (const r of [0, 1, 2]) { %>
    vec4(<%= four.map((v) => `select(0.0, weight[start${v} + ${r * 3 + c}u], real${v})`).join(', ') %>),
<% } %>
  ));
<% } %>
  let texel = inChannel * 16u + quad % 16u;
  let line = place / 16u * <%= side * side %>u;
<% for (const r of patch) { %>
  let row<%= r %> = transform(array(half0[<%= r %>], half1[<%= r %>], half2[<%= r %>]));
<% for (const c of patch) { %>
  transformed[(line + <%= r * side + c %>u) * params.line + texel] = row<%= r %>[<%= c %>];
<% } %>
<% } %>
}

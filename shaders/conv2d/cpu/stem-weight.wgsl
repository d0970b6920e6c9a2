<%
// Constants: channels (of the input).
const range = (n) => [...Array(n).keys()];
const SIDE = 9;
const count = SIDE * SIDE * k.channels;
%>
// Weight transform for stem.wgsl: each 7×7 kernel becomes the 81 values G·g·Gᵀ.
//
// OIHW -> a texture with one line per output channel, [row][column][input channel], four values per texel. An
// invocation takes one output channel.
struct Params {
  outChannels: u32,
}
@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var transformed: texture_storage_2d<rgba32float, write>;
@group(0) @binding(2) var<uniform> params: Params;

// Taps 0, 2, 4 and taps 1, 3, 5 at the points 0, 1, -1 and ∞, divided by the product of the distances to other points;
// tap 6.
fn transform(g: array<f32, 7>) -> array<f32, 9> {
  let even = 0.5 * (g[0] + g[4]);
  let odd = 0.5 * (g[1] + g[5]);
  return array(
    g[0],
    even + 0.5 * g[2],
    even - 0.5 * g[2],
    g[4],
    g[1],
    odd + 0.5 * g[3],
    odd - 0.5 * g[3],
    g[5],
    g[6],
  );
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let channel = id.x;
  if (channel >= params.outChannels) {
    return;
  }
  let start = channel * <%= 49 * k.channels %>u;
<% for (const i of range(k.channels)) { %>
<% for (const c of range(7)) { %>
  let half<%= i %>_<%= c %> = transform(array(<%= range(7).map((r) => `weight[start + ${(i * 7 + r) * 7 + c}u]`).join(', ') %>));
<% } %>
<% for (const r of range(SIDE)) { %>
  let u<%= i %>_<%= r %> = transform(array(<%= range(7).map((c) => `half${i}_${c}[${r}]`).join(', ') %>));
<% } } %>
<% for (let first = 0; first < count; first += 4) {
  const parts = range(4).map((i) => first + i).map((n) => (n < count ? `u${n % k.channels}_${Math.floor(n / k.channels / SIDE)}[${Math.floor(n / k.channels) % SIDE}]` : '0.0'));
%>
  textureStore(transformed, vec2(<%= first / 4 %>u, channel), vec4(<%= parts.join(', ') %>));
<% } %>
}

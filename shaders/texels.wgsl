<%
// Constants: line (texels per line of the texture).
%>
// Copies rows of values into a texture, for kernels that load each value often. On lavapipe a texel costs less than
// half of loading four values from a buffer, and a fifth if rows are odd.
//
// [rows][width] -> texels of four values, [rows][texels], with rows padded with zeros. Texel t is at t % line of
// line t / line. An invocation writes one texel.
struct Params {
  rows: u32,
  width: u32,
  texels: u32,
}
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var texels: texture_storage_2d<rgba32float, write>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let texel = (group.y * groups.x + group.x) * 64u + lane;
  if (texel >= params.rows * params.texels) {
    return;
  }
  let row = texel / params.texels;
  let column = texel % params.texels * 4u;
  let start = row * params.width + column;
<% for (const c of [0, 1, 2, 3]) { %>
  let inside<%= c %> = column + <%= c %>u < params.width;
  let value<%= c %> = select(0.0, input[select(0u, start + <%= c %>u, inside<%= c %>)], inside<%= c %>);
<% } %>
  textureStore(texels, vec2(texel % <%= k.line %>u, texel / <%= k.line %>u), vec4(value0, value1, value2, value3));
}

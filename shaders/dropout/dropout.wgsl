<% const type = k.vector ? 'vec4<f32>' : 'f32'; %>
// output[i] = input[i] * scale, or * 0 where the random word of element i is below `drop`. The same launch on a gradient
// gives the gradient, as the words depend on the key alone: word i % 4 of counter i / 4. An invocation takes ITEMS
// counters, a workgroup apart.
struct Params { count: u32, key0: u32, key1: u32, drop: u32, scale: f32 }
@group(0) @binding(0) var<storage, read> input: array<<%= type %>>;
@group(0) @binding(1) var<storage, read_write> output: array<<%= type %>>;
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = <%= k.workgroup %>u;
const ITEMS = <%= k.items %>u;

<%~ include('/dropout/parts/philox.wgsl') %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * (WORKGROUP * ITEMS) + lane;
  for (var n = 0u; n < ITEMS; n++) {
    let counter = first + n * WORKGROUP;
    if (counter * 4u >= params.count) { return; }
    let words = philox(vec4<u32>(counter, 0u, 0u, 0u), vec2<u32>(params.key0, params.key1));
    let factors = select(vec4<f32>(params.scale), vec4<f32>(), words < vec4<u32>(params.drop));
<% if (k.vector) { %>
    output[counter] = input[counter] * factors;
<% } else { %>
    for (var j = 0u; j < 4u; j++) {
      let i = counter * 4u + j;
      if (i < params.count) { output[i] = input[i] * factors[j]; }
    }
<% } %>
  }
}

<% const types = k.toHalf ? ['f32', 'f16'] : ['f16', 'f32']; %>
// output = input in another type, elementwise: f32 to the nearest f16, or f16 to f32, which is exact.
enable f16;
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> input: array<From>;
@group(0) @binding(1) var<storage, read_write> output: array<To>;
@group(0) @binding(2) var<uniform> params: Params;

alias From = <%= k.vector ? `vec4<${types[0]}>` : types[0] %>;
alias To = <%= k.vector ? `vec4<${types[1]}>` : types[1] %>;

<%~ include('/elementwise/parts/elementwise.wgsl', k) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * (WORKGROUP * ITEMS) + lane;
  for (var j = 0u; j < ITEMS; j++) {
    let i = first + j * WORKGROUP;
    if (i < params.count) {
      output[i] = To(input[i]);
    }
  }
}

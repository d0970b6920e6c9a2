// grad = coefficient[0] * grad, elementwise and in place.
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read_write> grad: array<Value>;
@group(0) @binding(1) var<storage, read> coefficient: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('/elementwise/parts/elementwise.wgsl', k) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let scale = coefficient[0];
  let first = (group.y * groups.x + group.x) * (WORKGROUP * ITEMS) + lane;
  for (var j = 0u; j < ITEMS; j++) {
    let i = first + j * WORKGROUP;
    if (i < params.count) { grad[i] = scale * grad[i]; }
  }
}

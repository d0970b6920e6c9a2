// output = a + b, elementwise.
// One invocation takes ITEMS elements, a workgroup apart, so that neighbours read neighbours.
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;
const ITEMS = 8u;

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
      output[i] = a[i] + b[i];
    }
  }
}

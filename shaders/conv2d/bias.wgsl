// output[n, c, i] += bias[c], in place. Workgroup (x, y): 512 elements of plane n * channels + c.
<%~ include('/parts/stored.wgsl', k) %>

struct Params { channels: u32, planeSize: u32, planes: u32 }
@group(0) @binding(0) var<storage, read> bias: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<Stored>;
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;
const ITEMS = 8u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let plane = group.z * groups.y + group.y;
  if (plane >= params.planes) {
    return;
  }
  let shift = bias[plane % params.channels];
  for (var j = 0u; j < ITEMS; j++) {
    let i = (group.x * ITEMS + j) * WORKGROUP + lane;
    if (i < params.planeSize) {
      let place = plane * params.planeSize + i;
      output[place] = Stored(f32(output[place]) + shift);
    }
  }
}

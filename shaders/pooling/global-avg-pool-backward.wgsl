// Gradient of the global average: inputGrad [planes, plane] = outputGrad[planes] / plane.
// Workgroups along y take planes, along x parts of a plane, which avoids divisions. An invocation takes up to about 8
// elements.
struct Params { planes: u32, plane: u32 }
@group(0) @binding(0) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(1) var<storage, read_write> inputGrad: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var p = group.y; p < params.planes; p += groups.y) {
    let share = outputGrad[p] / f32(params.plane);
    let end = (p + 1u) * params.plane;
    for (var i = p * params.plane + group.x * WORKGROUP + lane; i < end; i += groups.x * WORKGROUP) {
      inputGrad[i] = share;
    }
  }
}

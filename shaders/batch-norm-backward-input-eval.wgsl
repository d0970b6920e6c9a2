// Gradient of the input where running statistics were used, which do not depend on it:
// inputGrad = outputGrad * weight[c] * invStd[c]. Shapes [batch, channels, plane]; work is divided as in
// batch-norm-forward.wgsl.
struct Params { planes: u32, channels: u32, plane: u32 }
@group(0) @binding(0) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(1) var<storage, read> invStd: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> inputGrad: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = <%= k.workgroup %>u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var p = group.y; p < params.planes; p += groups.y) {
    let c = p % params.channels;
    let scale = invStd[c] * weight[c];
    let end = (p + 1u) * params.plane;
    for (var i = p * params.plane + group.x * WORKGROUP + lane; i < end; i += groups.x * WORKGROUP) {
      inputGrad[i] = outputGrad[i] * scale;
    }
  }
}

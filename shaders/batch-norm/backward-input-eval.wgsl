// Gradient of the input for running statistics, which do not depend on it: inputGrad = outputGrad * weight[c] *
// invStd[c]. Shapes [batch, channels, plane], as Values; statistics: mean [channels], then invStd [channels]. Work is
// divided as in batch-norm/forward.wgsl.
struct Params { batch: u32, channels: u32, plane: u32, part: u32 }
@group(0) @binding(0) var<storage, read> outputGrad: array<Value>;
@group(0) @binding(1) var<storage, read> statistics: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> inputGrad: array<Value>;
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = <%= k.workgroup %>u;

<%~ include('/batch-norm/parts/batch-norm.wgsl', k) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let start = group.x * params.part + lane;
  let stop = min((group.x + 1u) * params.part, params.plane);
  for (var c = group.y; c < params.channels; c += groups.y) {
    let scale = statistics[params.channels + c] * weight[c];
    for (var n = group.z; n < params.batch; n += groups.z) {
      let first = (n * params.channels + c) * params.plane;
      for (var i = first + start; i < first + stop; i += WORKGROUP) {
        inputGrad[i] = outputGrad[i] * scale;
      }
    }
  }
}

// The statistics for normalising in eval mode, in the layout of train mode: mean, a copy of the running mean; invStd =
// 1 / sqrt(runningVar + eps); and meanLow, which is 0. Backward reads this copy, so the running statistics may change
// before it runs. One invocation per channel.
struct Params { channels: u32, eps: f32 }
@group(0) @binding(0) var<storage, read> runningMean: array<f32>;
@group(0) @binding(1) var<storage, read> runningVar: array<f32>;
@group(0) @binding(2) var<storage, read_write> statistics: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let c = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (c < params.channels) {
    statistics[c] = runningMean[c];
    statistics[params.channels + c] = 1.0 / sqrt(runningVar[c] + params.eps);
    statistics[2u * params.channels + c] = 0.0;
  }
}

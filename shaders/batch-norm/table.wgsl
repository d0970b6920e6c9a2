// The values that eval mode applies to each channel, from the running statistics: (input - mean) * scale + shift, with
// scale = weight / sqrt(runningVar + eps). table: mean, scale, shift and 0 for each channel. One invocation per
// channel.
struct Params { channels: u32, eps: f32 }
@group(0) @binding(0) var<storage, read> runningMean: array<f32>;
@group(0) @binding(1) var<storage, read> runningVar: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> table: array<vec4<f32>>;
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let c = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (c < params.channels) {
    let invStd = 1.0 / sqrt(runningVar[c] + params.eps);
    table[c] = vec4(runningMean[c], invStd * weight[c], bias[c], 0.0);
  }
}

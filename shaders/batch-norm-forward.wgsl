// output = (input - mean[c]) * invStd[c] * weight[c] + bias[c]; input and output [batch, channels, plane].
//
// Workgroups along y take planes, along x parts of a plane, so that only a plane's channel needs a division. An invocation
// takes elements a row of workgroups apart, at least 16 of them if the plane has as many, which spreads the cost of loading
// the channel's numbers. WORKGROUP is 64, and 8 on a CPU adapter, where it is one vector and idle lanes cost as much as
// busy ones.
struct Params { planes: u32, channels: u32, plane: u32 }
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read> mean: array<f32>;
@group(0) @binding(2) var<storage, read> invStd: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> output: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

const WORKGROUP = <%= k.workgroup %>u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var p = group.y; p < params.planes; p += groups.y) {
    let c = p % params.channels;
    let center = mean[c];
    let scale = invStd[c] * weight[c];
    let shift = bias[c];
    let end = (p + 1u) * params.plane;
    // Subtracting the mean first keeps the digits that input * scale + (bias - mean * scale) would lose.
    for (var i = p * params.plane + group.x * WORKGROUP + lane; i < end; i += groups.x * WORKGROUP) {
      output[i] = (input[i] - center) * scale + shift;
    }
  }
}

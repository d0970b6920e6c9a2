// Gradient of the input where the batch's own statistics were used (Ioffe and Szegedy 2015, written with the sums that are
// the gradients of bias and weight): with x = (input - mean) * invStd,
//   inputGrad = weight * invStd * (outputGrad - biasGrad / count - x * weightGrad / count).
// Shapes [batch, channels, plane]; count = batch * plane. Work is divided as in batch-norm-forward.wgsl.
struct Params { planes: u32, channels: u32, plane: u32, count: f32 }
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> invStd: array<f32>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read> weightGrad: array<f32>;
@group(0) @binding(6) var<storage, read> biasGrad: array<f32>;
@group(0) @binding(7) var<storage, read_write> inputGrad: array<f32>;
@group(0) @binding(8) var<uniform> params: Params;

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
    let gradMean = biasGrad[c] / params.count;
    let slope = weightGrad[c] * invStd[c] / params.count;
    let end = (p + 1u) * params.plane;
    for (var i = p * params.plane + group.x * WORKGROUP + lane; i < end; i += groups.x * WORKGROUP) {
      inputGrad[i] = scale * (outputGrad[i] - gradMean - slope * (input[i] - center));
    }
  }
}

// Gradient of the input for batch statistics (Ioffe and Szegedy 2015, expressed with the sums that are the gradients of
// bias and weight): with x = (input - mean) * invStd,
//   inputGrad = weight * invStd * (grad - biasGrad / count - x * weightGrad / count).
// grad is outputGrad. With ReLU right after, it is only the part where the normalised input, computed again, is
// positive. Shapes [batch, channels, plane], as Values; count is the number of elements per channel. Work is divided as
// in batch-norm/forward.wgsl.
struct Params { batch: u32, channels: u32, plane: u32, part: u32, count: f32 }
@group(0) @binding(0) var<storage, read> input: array<Value>;
@group(0) @binding(1) var<storage, read> outputGrad: array<Value>;
@group(0) @binding(2) var<storage, read> statistics: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> weightGrad: array<f32>;
@group(0) @binding(5) var<storage, read> biasGrad: array<f32>;
@group(0) @binding(6) var<storage, read_write> inputGrad: array<Value>;
<% if (k.relu) { %>
@group(0) @binding(7) var<storage, read> bias: array<f32>;
@group(0) @binding(8) var<uniform> params: Params;
<% } else { %>
@group(0) @binding(7) var<uniform> params: Params;
<% } %>

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
    let mean = statistics[c];
    let invStd = statistics[params.channels + c];
    let meanLow = statistics[2u * params.channels + c];
    let scale = invStd * weight[c];
<% if (k.relu) { %>
    let shift = shiftOf(bias[c], meanLow, scale);
<% } %>
    let slope = weightGrad[c] * invStd / params.count;
    // All distances below are from the rounded mean.
    let gradMean = biasGrad[c] / params.count - slope * meanLow;
    for (var n = group.z; n < params.batch; n += groups.z) {
      let first = (n * params.channels + c) * params.plane;
      for (var i = first + start; i < first + stop; i += WORKGROUP) {
        let value = input[i];
        let grad = <%= k.relu ? 'reluGrad(outputGrad[i], normalised(value, mean, scale, shift))' : 'outputGrad[i]' %>;
        inputGrad[i] = scale * (grad - gradMean - slope * (value - mean));
      }
    }
  }
}

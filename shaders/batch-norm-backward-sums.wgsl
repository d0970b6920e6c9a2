// biasGrad[c] = sum of outputGrad; weightGrad[c] = sum of outputGrad * (input - mean[c]) * invStd[c], both over a channel
// of [batch, channels, plane].
//
// One workgroup per channel. An invocation sums every WORKGROUP-th element, in runs of RUN elements that are then added
// up, and the invocations' sums are added as a tree: the order is fixed and no chain of additions is long.
<% if (k.subgroup) { %>enable subgroups;<% } %>
struct Params { batch: u32, channels: u32, plane: u32 }
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> invStd: array<f32>;
@group(0) @binding(4) var<storage, read_write> weightGrad: array<f32>;
@group(0) @binding(5) var<storage, read_write> biasGrad: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

const WORKGROUP = <%= k.workgroup %>u;
const RUN = <%= k.run %>u;

// x sums the gradient, y its product with the distance from the mean.
<%~ include('parts/total.wgsl', { ...k, type: 'vec2<f32>' }) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var c = group.x; c < params.channels; c += groups.x) {
    let center = mean[c];
    var sums = vec2<f32>();
    for (var n = 0u; n < params.batch; n++) {
      let first = (n * params.channels + c) * params.plane;
      for (var start = 0u; start < params.plane; start += WORKGROUP * RUN) {
        let end = first + min(start + WORKGROUP * RUN, params.plane);
        var run = vec2<f32>();
        for (var i = first + start + lane; i < end; i += WORKGROUP) {
          let grad = outputGrad[i];
          run += vec2<f32>(grad, grad * (input[i] - center));
        }
        sums += run;
      }
    }
    let result = total(sums, lane);
    if (lane == 0u) {
      biasGrad[c] = result.x;
      weightGrad[c] = result.y * invStd[c];
    }
  }
}

// Statistics of a batch: input [batch, channels, plane], as Values -> statistics [3, channels]: mean, invStd = 1 /
// sqrt(variance + eps), and meanLow, the mean's rounding error. Also updates the running statistics: running = (1 -
// momentum) * running + momentum * batch. As in torch, the biased variance normalises, and the running variance takes
// in the one divided by count - 1. invStd is 0 where variance and eps are 0.
//
// One workgroup per channel reads it once, see moments.wgsl. PyTorch sums in double.
//
// WORKGROUP is 64 for small planes, which would leave more invocations idle, and 256 for large ones. On a CPU adapter
// it is one subgroup, which adds by shuffles, because a barrier costs more there than summing a small plane.
<% if (k.subgroup) { %>enable subgroups;<% } %>
struct Params { batch: u32, channels: u32, plane: u32, zero: u32, eps: f32, momentum: f32 }
@group(0) @binding(0) var<storage, read> input: array<Value>;
@group(0) @binding(1) var<storage, read_write> statistics: array<f32>;
@group(0) @binding(2) var<storage, read_write> runningMean: array<f32>;
@group(0) @binding(3) var<storage, read_write> runningVar: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = <%= k.workgroup %>u;
const RUN = <%= k.run %>u;

<%~ include('/batch-norm/parts/batch-norm.wgsl', k) %>
<%~ include('/parts/moments.wgsl', k) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let count = f32(params.batch * params.plane) * <%= k.vector ? '4.0' : '1.0' %>;
  for (var c = group.x; c < params.channels; c += groups.x) {
    let stride = params.channels * params.plane;
    let found = moments(c * params.plane, stride, params.batch, params.plane, count, lane);
    let center = found.mean;
    let allSquares = found.squares;
    if (lane == 0u) {
      let variance = added(quotient(allSquares, count), Pairs(params.eps, 0.0));
      statistics[c] = center.x;
      statistics[params.channels + c] = select(inverseRoot(variance), 0.0, variance.x == 0.0);
      statistics[2u * params.channels + c] = center.y;
      let spread = allSquares.x + allSquares.y;
      let keep = 1.0 - params.momentum;
      runningMean[c] = keep * runningMean[c] + params.momentum * center.x;
      runningVar[c] = keep * runningVar[c] + params.momentum * (spread / (count - 1.0));
    }
  }
}

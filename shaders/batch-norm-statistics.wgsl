// Statistics of a batch: input [batch, channels, plane] -> mean[c] and invStd[c] = 1 / sqrt(variance + eps), and the
// running statistics moved towards them: running = (1 - momentum) * running + momentum * batch. As in torch, the variance
// that normalises is the biased one, the one that the running variance takes in is divided by count - 1.
//
// One workgroup per channel makes two passes: the mean first, then the squared distances from it, which loses no digits
// where the mean is large. An invocation sums every WORKGROUP-th element, in runs of RUN elements that are then added up,
// and the invocations' sums are added as a tree: no chain of additions is long, so rounding stays near 1e-7 of the sum.
// WORKGROUP is 64 for small planes, which would leave more invocations idle, and 256 for large ones. On a CPU adapter it is
// one subgroup, which adds up by shuffles: there a barrier costs more than summing a small plane. RUN is 16, or 32 where an
// invocation sums more, so that neither a run nor the number of runs is long.
<% if (k.subgroup) { %>enable subgroups;<% } %>
struct Params { batch: u32, channels: u32, plane: u32, eps: f32, momentum: f32 }
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> mean: array<f32>;
@group(0) @binding(2) var<storage, read_write> invStd: array<f32>;
@group(0) @binding(3) var<storage, read_write> runningMean: array<f32>;
@group(0) @binding(4) var<storage, read_write> runningVar: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = <%= k.workgroup %>u;
const RUN = <%= k.run %>u;

<%~ include('parts/total.wgsl', { ...k, type: 'f32' }) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let count = f32(params.batch * params.plane);
  for (var c = group.x; c < params.channels; c += groups.x) {
    var sum = 0.0;
    for (var n = 0u; n < params.batch; n++) {
      let first = (n * params.channels + c) * params.plane;
      for (var start = 0u; start < params.plane; start += WORKGROUP * RUN) {
        let end = first + min(start + WORKGROUP * RUN, params.plane);
        var run = 0.0;
        for (var i = first + start + lane; i < end; i += WORKGROUP) { run += input[i]; }
        sum += run;
      }
    }
    let center = total(sum, lane) / count;

    var squares = 0.0;
    for (var n = 0u; n < params.batch; n++) {
      let first = (n * params.channels + c) * params.plane;
      for (var start = 0u; start < params.plane; start += WORKGROUP * RUN) {
        let end = first + min(start + WORKGROUP * RUN, params.plane);
        var run = 0.0;
        for (var i = first + start + lane; i < end; i += WORKGROUP) {
          let distance = input[i] - center;
          run += distance * distance;
        }
        squares += run;
      }
    }
    let spread = total(squares, lane);

    if (lane == 0u) {
      mean[c] = center;
      invStd[c] = 1.0 / sqrt(spread / count + params.eps);
      let keep = 1.0 - params.momentum;
      runningMean[c] = keep * runningMean[c] + params.momentum * center;
      runningVar[c] = keep * runningVar[c] + params.momentum * (spread / (count - 1.0));
    }
  }
}

<%
const range = (n) => [...Array(n).keys()];
%>
// Statistics of a batch: input [batch, channels, plane], as Values -> mean [channels], then invStd [channels], where
// invStd = 1 / sqrt(variance + eps); and the running statistics moved towards them: running = (1 - momentum) * running +
// momentum * batch. As in torch, the variance that normalises is the biased one, the one that the running variance takes
// in is divided by count - 1.
//
// One workgroup per channel reads it once. An invocation takes every WORKGROUP-th Value, RUN of them at a time, whose mean
// and sum of squared distances from it are computed in registers; then the run's are merged into those of the runs before
// (Chan, Golub and LeVeque 1979), which loses no digits where the mean is large. Last, the invocations' are brought to the
// mean of all. Sums are added up in runs and as a tree: no chain of additions is long, so rounding stays near 1e-7 of a sum.
// WORKGROUP is 64 for small planes, which would leave more invocations idle, and 256 for large ones. On a CPU adapter it is
// one subgroup, which adds up by shuffles: there a barrier costs more than summing a small plane.
<% if (k.subgroup) { %>enable subgroups;<% } %>
struct Params { batch: u32, channels: u32, plane: u32, eps: f32, momentum: f32 }
@group(0) @binding(0) var<storage, read> input: array<Value>;
@group(0) @binding(1) var<storage, read_write> statistics: array<f32>;
@group(0) @binding(2) var<storage, read_write> runningMean: array<f32>;
@group(0) @binding(3) var<storage, read_write> runningVar: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = <%= k.workgroup %>u;
const RUN = <%= k.run %>u;

<%~ include('parts/batch-norm.wgsl', k) %>
<%~ include('parts/total.wgsl', { ...k, type: 'f32' }) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let count = f32(params.batch * params.plane) * <%= k.vector ? '4.0' : '1.0' %>;
  for (var c = group.x; c < params.channels; c += groups.x) {
    // Of this invocation so far: how many Values, their sum, their mean, their squared distances from it.
    var seen = 0.0;
    var sum = Value();
    var mean = Value();
    var squares = Value();
    for (var n = 0u; n < params.batch; n++) {
      let first = (n * params.channels + c) * params.plane;
      let end = first + params.plane;
      for (var i = first + lane; i < end; i += WORKGROUP * RUN) {
<% for (const j of range(k.run)) { %>
        var value<%= j %> = Value();
<%   if (j === 0) { %>
        value0 = input[i];
<%   } else { %>
        let inside<%= j %> = i + <%= j %>u * WORKGROUP < end;
        if (inside<%= j %>) { value<%= j %> = input[i + <%= j %>u * WORKGROUP]; }
<%   } %>
<% } %>
        let size = f32(min((end - i + WORKGROUP - 1u) / WORKGROUP, RUN));
        let runSum = <%= range(k.run).map((j) => `value${j}`).join(' + ') %>;
        let runMean = runSum / size;
        var runSquares = Value();
<% for (const j of range(k.run)) { %>
        let distance<%= j %> = <% if (j === 0) { %>value0 - runMean<% } else { %>select(Value(), value<%= j %> - runMean, inside<%= j %>)<% } %>;
        runSquares += distance<%= j %> * distance<%= j %>;
<% } %>
        let apart = runMean - mean;
        let share = size / (seen + size);
        sum += runSum;
        mean += apart * share;
        squares += runSquares + apart * apart * (seen * share);
        seen += size;
      }
    }
    let center = total(sumOf(sum), lane) / count;
    let apart = mean - center;
    let spread = total(sumOf(squares + apart * apart * seen), lane);

    if (lane == 0u) {
      statistics[c] = center;
      statistics[params.channels + c] = 1.0 / sqrt(spread / count + params.eps);
      let keep = 1.0 - params.momentum;
      runningMean[c] = keep * runningMean[c] + params.momentum * center;
      runningVar[c] = keep * runningVar[c] + params.momentum * (spread / (count - 1.0));
    }
  }
}

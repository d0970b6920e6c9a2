<%
const range = (n) => [...Array(n).keys()];
%>
// Statistics of a batch: input [batch, channels, plane], as Values -> statistics [3, channels]: mean, invStd = 1 /
// sqrt(variance + eps), and meanLow, the mean's rounding error. Also updates the running statistics: running = (1 -
// momentum) * running + momentum * batch. As in torch, the biased variance normalises, and the running variance takes
// in the one divided by count - 1. invStd is 0 where variance and eps are 0.
//
// One workgroup per channel reads it once. An invocation takes every WORKGROUP-th Value, RUN of them at a time, in
// registers. It computes their mean, rounded to `center`, and the sums of the distances from it (`rest`) and of their
// squares. `rest` gives the rounding error of the center. The run is then merged into earlier runs (Chan, Golub and
// LeVeque 1979), which loses no digits if the mean is large. Last, the squares of all invocations are shifted to the
// common mean.
//
// PyTorch sums in double. Here sums have two parts, with their rounding errors: the mean of equal values is exactly
// that value. Squares are never negative, so their sum in runs, planes and a tree is right to an ulp.
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
<%~ include('/parts/compensated.wgsl', { types: { Value: k.vector ? 4 : 1, Sums: 1 } }) %>
<%~ include('/parts/total.wgsl', { ...k, sums: 1 }) %>
<%~ include('/parts/quotients.wgsl') %>

fn totalOf(sum: Value, low: Value, lane: u32) -> Pairs {
<% if (k.vector) { %>
  return total(addedUp(<%= ['x', 'y', 'z', 'w'].map((part) => `Pairs(sum.${part}, low.${part})`).join(', ') %>), lane);
<% } else { %>
  return total(Pairs(sum, low), lane);
<% } %>
}

alias Bits = <%= k.vector ? 'vec4<u32>' : 'u32' %>;

// The first 21 binary digits of a value; their product with an integer up to 8 is exact.
fn coarse(value: Value) -> Value {
  return bitcast<Value>(bitcast<Bits>(value) & Bits(0xfffffff8u));
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let count = f32(params.batch * params.plane) * <%= k.vector ? '4.0' : '1.0' %>;
  for (var c = group.x; c < params.channels; c += groups.x) {
    // Means are measured from this origin: values far from 0 keep more digits.
    let origin = input[c * params.plane];
    // This invocation's totals so far: number of Values, sum, mean, and sum of squared distances from the mean.
    var seen = 0.0;
    var sum = Value();
    var sumLow = Value();
    var mean = Value();
    var squares = Value();
    var squaresLow = Value();
    for (var n = 0u; n < params.batch; n++) {
      let first = (n * params.channels + c) * params.plane;
      let end = first + params.plane;
      var planeSquares = Value();
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
        let center = (<%= range(k.run).map((j) => `value${j}`).join(' + ') %>) * (1.0 / size);
        var rest = Value();
        var runSquares = Value();
<% for (const j of range(k.run)) { %>
        let distance<%= j %> = <% if (j === 0) { %>value0 - center<% } else { %>select(Value(), value<%= j %> - center, inside<%= j %>)<% } %>;
        rest += distance<%= j %>;
        runSquares += distance<%= j %> * distance<%= j %>;
<% } %>
        // The run's sum is size * center + rest.
        let near = coarse(center);
        addTo(&sum, &sumLow, near * size);
        sumLow += (center - near) * size + rest;
        let off = rest / size;
        let apart = ((center - origin) - mean) + off;
        let share = size / (seen + size);
        mean += apart * share;
        planeSquares += (runSquares - rest * off) + apart * apart * (seen * share);
        seen += size;
      }
      addTo(&squares, &squaresLow, planeSquares);
      // The low part must stay small, or it is rounded. It is NaN for an infinite sum.
      let low = select(sumLow, Value(), abs(sum) > Value(LARGEST));
      sumLow = Value();
      addTo(&sum, &sumLow, low);
    }
    let all = totalOf(sum, sumLow, lane);
    let center = quotient(all, count);
    let apart = mean - ((center.x - origin) + center.y);
    addTo(&squares, &squaresLow, apart * (apart * seen));
    let allSquares = totalOf(squares, squaresLow, lane);

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

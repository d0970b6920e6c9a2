<%
// Given: inner, whether logits have dimensions after the class.
const [rowLane, classLane] = k.inner ? ['lane', '0u'] : ['0u', 'lane'];
%>
// Cross entropy of each row with weights of the classes, label smoothing and a label to ignore. A row has the target
//   t[c] = weight[c] * ((1 - smoothing) * (c == labels[n]) + smoothing / classes),
// and the loss -sum over c of t[c] * log(softmax(logits of row n)[c]). shares[n] is the weight of the row's label, which
// the mean divides by. A row with the ignored label has loss and share 0. A label outside the classes makes its loss NaN.
//
// Stores three values per row for backward: the maximum and the log-sum of cross-entropy-rows.wgsl, and the sum of t.
//
// Logits are [N, classes, inner], and n counts the N * inner rows. With inner > 1 adjacent rows are adjacent in memory,
// so an invocation takes a row; else a workgroup does. Sums over classes are in runs of RUN, so that no chain of
// additions is long.
struct Params { rows: u32, classes: u32, inner: u32, ignores: u32, ignored: u32, smoothing: f32 }
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;
@group(0) @binding(4) var<storage, read_write> shares: array<f32>;
@group(0) @binding(5) var<storage, read_write> rows: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

<%~ include('/loss/parts/rows.wgsl', { ...k, sums: 3 }) %>
const ROWS = WORKGROUP / LANES;
const RUN = 16u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var n = group.x * ROWS + <%= rowLane %>; n < params.rows; n += groups.x * ROWS) {
    let outer = n / params.inner;
    let row = outer * params.classes * params.inner + n - outer * params.inner;
    var largest = logits[row];
    for (var c = <%= classLane %>; c < params.classes; c += LANES) {
      largest = max(largest, logits[row + c * params.inner]);
    }
    let maximum = largestOf(largest, lane);

    // Of exp(logit - maximum); of the weights; of the weighted logit - maximum.
    var sums = vec3<f32>();
    for (var start = 0u; start < params.classes; start += RUN * LANES) {
      let end = min(start + RUN * LANES, params.classes);
      var run = vec3<f32>();
      for (var c = start + <%= classLane %>; c < end; c += LANES) {
        let value = logits[row + c * params.inner] - maximum;
        run.x += exp(value);
        if (params.smoothing > 0.0) { run += vec3<f32>(0.0, weight[c], weight[c] * value); }
      }
      sums += run;
    }
    let found = sumsOf(sums, lane);
    let logSum = log(found.x);

    if (<%= k.inner ? 'true' : 'lane == 0u' %>) {
      // The smoothed part of the target: its sum, and its loss.
      let even = params.smoothing / f32(params.classes);
      var total = even * found.y;
      var loss = even * (found.y * logSum - found.z);
      let label = labels[n];
      var share = 0.0;
      if (params.ignores == 1u && label == params.ignored) {
        loss = 0.0;
      } else if (label < params.classes) {
        share = weight[label];
        let own = (1.0 - params.smoothing) * share;
        total += own;
        loss += own * (logSum - (logits[row + label * params.inner] - maximum));
      } else {
        // The shader compiler rejects a constant NaN, but does not check the bits of a variable.
        var bits = 0x7fc00000u;
        loss = bitcast<f32>(bits);
      }
      losses[n] = loss;
      shares[n] = share;
      rows[3u * n] = maximum;
      rows[3u * n + 1u] = logSum;
      rows[3u * n + 2u] = total;
    }
  }
}

// Cross entropy of each row: losses[n] = log(sum over c of exp(logits[n, c])) - logits[n, labels[n]].
// Also stores two values per row, from which backward computes probabilities: rows[2 n] = the row's maximum,
// rows[2 n + 1] = the logarithm of the sum of exp(logit - maximum). Subtracting the maximum first prevents overflow of
// exp. The two stay separate because their sum would lose digits of the logarithm if the maximum is large.
// A label outside the classes makes its loss NaN: a shader cannot throw, but a NaN is visible.
//
// One workgroup per row. An invocation takes every 64th class, and a tree combines maxima and sums.
struct Params { rows: u32, classes: u32 }
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(0) @binding(3) var<storage, read_write> rows: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

<%~ include('/loss/parts/rows.wgsl', { inner: false, sums: 1 }) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var n = group.x; n < params.rows; n += groups.x) {
    let row = n * params.classes;
    var largest = logits[row];
    for (var c = lane; c < params.classes; c += WORKGROUP) { largest = max(largest, logits[row + c]); }
    let maximum = largestOf(largest, lane);

    var sum = 0.0;
    for (var c = lane; c < params.classes; c += WORKGROUP) { sum += exp(logits[row + c] - maximum); }
    let logSum = log(sumsOf(sum, lane));

    if (lane == 0u) {
      let label = labels[n];
      // The shader compiler rejects a constant NaN, but does not check the bits of a variable.
      var bits = 0x7fc00000u;
      var loss = bitcast<f32>(bits);
      if (label < params.classes) { loss = logSum - (logits[row + label] - maximum); }
      losses[n] = loss;
      rows[2u * n] = maximum;
      rows[2u * n + 1u] = logSum;
    }
  }
}

// Negative log-likelihood of each row: losses[n] = -weight[labels[n]] * logProbabilities[row n, labels[n]], and shares[n],
// the weight of the label, which the mean divides by. A row with the ignored label has loss and share 0. A label outside
// the classes makes its loss NaN. Log-probabilities are [N, classes, inner], and n counts the N * inner rows; an
// invocation takes one.
struct Params { rows: u32, classes: u32, inner: u32, ignores: u32, ignored: u32 }
@group(0) @binding(0) var<storage, read> logProbabilities: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;
@group(0) @binding(4) var<storage, read_write> shares: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (n >= params.rows) { return; }
  let label = labels[n];
  var loss = 0.0;
  var share = 0.0;
  if (params.ignores == 0u || label != params.ignored) {
    if (label < params.classes) {
      let outer = n / params.inner;
      share = weight[label];
      loss = -share * logProbabilities[(outer * params.classes + label) * params.inner + n - outer * params.inner];
    } else {
      // The shader compiler rejects a constant NaN, but does not check the bits of a variable.
      var bits = 0x7fc00000u;
      loss = bitcast<f32>(bits);
    }
  }
  losses[n] = loss;
  shares[n] = share;
}

// Gradient of the mean cross entropy:
// logitsGrad[n, c] = (softmax(logits)[n, c] - (c == labels[n])) / rows * outputGrad[0].
// Computes the probabilities from the two values per row that cross-entropy-rows.wgsl stored. If a row's label is
// outside the classes, its gradient is NaN, like its loss. Workgroups along y take rows, along x 64 classes each.
struct Params { rows: u32, classes: u32 }
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> rows: array<f32>;
@group(0) @binding(3) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(4) var<storage, read_write> logitsGrad: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var n = group.y; n < params.rows; n += groups.y) {
    let row = n * params.classes;
    let label = labels[n];
    let maximum = rows[2u * n];
    let logSum = rows[2u * n + 1u];
    var scale = outputGrad[0] / f32(params.rows);
    if (label >= params.classes) {
      var bits = 0x7fc00000u;
      scale = bitcast<f32>(bits);
    }
    for (var c = group.x * WORKGROUP + lane; c < params.classes; c += groups.x * WORKGROUP) {
      let probability = exp((logits[row + c] - maximum) - logSum);
      logitsGrad[row + c] = (probability - select(0.0, 1.0, c == label)) * scale;
    }
  }
}

// Gradient of the negative log-likelihood: -weight[c] * outputGrad / divisor at the label c of each row, else 0. The
// gradient of row n is outputGrad[n * step]: step is 0 where the losses were summed. Rows with the ignored label have a
// gradient of 0, rows with a label outside the classes NaN. An invocation takes one of the `count` values.
struct Params { count: u32, classes: u32, inner: u32, ignores: u32, ignored: u32, step: u32 }
@group(0) @binding(0) var<storage, read> labels: array<u32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> divisor: array<f32>;
@group(0) @binding(3) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(4) var<storage, read_write> logProbabilitiesGrad: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WORKGROUP + lane;
  if (i >= params.count) { return; }
  let plane = i / params.inner;
  let outer = plane / params.classes;
  let c = plane - outer * params.classes;
  let n = outer * params.inner + i - plane * params.inner;
  let label = labels[n];
  var grad = 0.0;
  if (params.ignores == 0u || label != params.ignored) {
    if (label >= params.classes) {
      var bits = 0x7fc00000u;
      grad = bitcast<f32>(bits);
    } else if (label == c) {
      grad = -weight[c] * (outputGrad[n * params.step] / divisor[0]);
    }
  }
  logProbabilitiesGrad[i] = grad;
}

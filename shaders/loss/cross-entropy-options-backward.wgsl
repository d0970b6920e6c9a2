<%
// Given: inner, whether logits have dimensions after the class. Workgroups along x take what is adjacent in memory.
const [rowStart, rowStep] = k.inner ? ['group.x * WORKGROUP + lane', 'groups.x * WORKGROUP'] : ['group.y', 'groups.y'];
const [classStart, classStep] = k.inner ? ['group.y', 'groups.y'] : ['group.x * WORKGROUP + lane', 'groups.x * WORKGROUP'];
%>
// Gradient of the cross entropy of cross-entropy-options-rows.wgsl, whose names it uses:
//   logitsGrad[row n, c] = (softmax(logits of row n)[c] * (sum of t) - t[c]) * outputGrad / divisor.
// The gradient of row n is outputGrad[n * step]: step is 0 where the losses were summed. Rows with the ignored label have
// a gradient of 0, rows with a label outside the classes NaN.
struct Params { rows: u32, classes: u32, inner: u32, ignores: u32, ignored: u32, smoothing: f32, step: u32 }
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> rows: array<f32>;
@group(0) @binding(4) var<storage, read> divisor: array<f32>;
@group(0) @binding(5) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(6) var<storage, read_write> logitsGrad: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let even = params.smoothing / f32(params.classes);
  for (var n = <%= rowStart %>; n < params.rows; n += <%= rowStep %>) {
    let outer = n / params.inner;
    let row = outer * params.classes * params.inner + n - outer * params.inner;
    let label = labels[n];
    let maximum = rows[3u * n];
    let logSum = rows[3u * n + 1u];
    let total = rows[3u * n + 2u];
    let counts = params.ignores == 0u || label != params.ignored;
    var scale = outputGrad[n * params.step] / divisor[0];
    if (counts && label >= params.classes) {
      var bits = 0x7fc00000u;
      scale = bitcast<f32>(bits);
    }
    for (var c = <%= classStart %>; c < params.classes; c += <%= classStep %>) {
      let at = row + c * params.inner;
      var grad = 0.0;
      if (counts) {
        var wanted = 0.0;
        if (params.smoothing > 0.0) { wanted = even * weight[c]; }
        if (c == label) { wanted += (1.0 - params.smoothing) * weight[c]; }
        grad = (exp((logits[at] - maximum) - logSum) * total - wanted) * scale;
      }
      logitsGrad[at] = grad;
    }
  }
}

// One step of Adam, elementwise and in place, in the order of torch.optim.Adam and AdamW:
//   d = grad + decay * param (Adam: decay = weight decay), or
//   param = decay * param (AdamW: decay = 1 - lr * weight decay)
//   expAvg = beta1 * expAvg + keep1 * d, expAvgSq = beta2 * expAvgSq + keep2 * d * d (keep = 1 - beta)
//   param = param - stepSize * expAvg / (sqrt(expAvgSq) / correction + eps)
// stepSize = lr / (1 - beta1^t) and correction = sqrt(1 - beta2^t) of step t come from the host, in float64.
struct Params {
  count: u32,
  stepSize: f32,
  beta1: f32,
  keep1: f32,
  beta2: f32,
  keep2: f32,
  correction: f32,
  eps: f32,
  decay: f32,
}
@group(0) @binding(0) var<storage, read_write> param: array<Value>;
@group(0) @binding(1) var<storage, read> grad: array<Value>;
@group(0) @binding(2) var<storage, read_write> expAvg: array<Value>;
@group(0) @binding(3) var<storage, read_write> expAvgSq: array<Value>;
@group(0) @binding(4) var<uniform> params: Params;

<%~ include('/elementwise/parts/elementwise.wgsl', k) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * (WORKGROUP * ITEMS) + lane;
  for (var j = 0u; j < ITEMS; j++) {
    let i = first + j * WORKGROUP;
    if (i < params.count) {
<% if (k.decoupled) { %>
      let value = params.decay * param[i];
      let d = grad[i];
<% } else { %>
      let value = param[i];
      let d = grad[i] + params.decay * value;
<% } %>
      let mean = params.beta1 * expAvg[i] + params.keep1 * d;
      let square = params.beta2 * expAvgSq[i] + params.keep2 * d * d;
      expAvg[i] = mean;
      expAvgSq[i] = square;
      param[i] = value - params.stepSize * (mean / (sqrt(square) / params.correction + params.eps));
    }
  }
}

// Gradient of binary cross entropy (bce-with-logits.wgsl), elementwise, times outputGrad / divisor:
//   of the logits, weight * ((1 + (posWeight - 1) * t) * sigmoid(x) - posWeight * t);
//   of the target, weight * (posWeight * -log sigmoid(x) + log(1 - sigmoid(x))).
// The gradient of element i is outputGrad[i * step]: step is 0 where the losses were summed.
struct Params {
  count: u32,
<%~ include('/loss/parts/bce-params.wgsl', k) %>
  step: u32,
  divisor: f32,
}
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> wanted: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> posWeight: array<f32>;
@group(0) @binding(4) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(5) var<storage, read_write> output: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

<%~ include('/loss/parts/bce-with-logits.wgsl', k) %>

fn valueAt(i: u32) -> f32 {
  let x = logits[i];
  let positive = posWeightAt(i);
<% if (k.ofTarget) { %>
<%   /* Without a posWeight this is -x, and the difference would lose digits. */ %>
  let slope = <%= k.posWeight ? 'positive * lossOfOne(x) - lossOfOne(-x)' : '-x' %>;
<% } else { %>
  let t = wanted[i];
  let slope = (1.0 + (positive - 1.0) * t) * sigmoid(x) - positive * t;
<% } %>
  return weightAt(i) * slope * (outputGrad[i * params.step] / params.divisor);
}

<%~ include('/loss/parts/runs.wgsl', k) %>

// Binary cross entropy of scores x and targets t, or its sums in runs:
//   weight * (-posWeight * t * log sigmoid(x) - (1 - t) * log(1 - sigmoid(x))),
// as weight * ((1 - t) * x - (1 + (posWeight - 1) * t) * log sigmoid(x)), which does not overflow.
struct Params {
  count: u32,
<%~ include('/loss/parts/bce-params.wgsl', k) %>
}
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> wanted: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> posWeight: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

<%~ include('/loss/parts/bce-with-logits.wgsl', k) %>

fn valueAt(i: u32) -> f32 {
  let x = logits[i];
  let t = wanted[i];
  return weightAt(i) * ((1.0 - t) * x + (1.0 + (posWeightAt(i) - 1.0) * t) * lossOfOne(x));
}

<%~ include('/loss/parts/runs.wgsl', k) %>

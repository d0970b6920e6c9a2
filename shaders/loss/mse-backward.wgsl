// grad = factor * (input - target) * outputGrad, elementwise. The gradient of element i is outputGrad[i * step]: step is
// 0 where the losses were summed.
struct Params { count: u32, step: u32, factor: f32 }
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read> wanted: array<f32>;
@group(0) @binding(2) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

fn valueAt(i: u32) -> f32 {
  return params.factor * (input[i] - wanted[i]) * outputGrad[i * params.step];
}

<%~ include('/loss/parts/runs.wgsl', k) %>

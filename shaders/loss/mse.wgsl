// Squared differences (input - target)², or their sums in runs.
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read> wanted: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

fn valueAt(i: u32) -> f32 {
  let difference = input[i] - wanted[i];
  return difference * difference;
}

<%~ include('/loss/parts/runs.wgsl', k) %>

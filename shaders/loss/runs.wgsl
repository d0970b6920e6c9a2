// Sums of runs of values: the first pass of a sum of many.
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

fn valueAt(i: u32) -> f32 {
  return values[i];
}

<%~ include('/loss/parts/runs.wgsl', k) %>

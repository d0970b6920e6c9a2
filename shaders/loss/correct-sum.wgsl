// output[0] = sum of correct[0 .. rows]. One workgroup: every 64th row per invocation, then a tree.
struct Params { rows: u32 }
@group(0) @binding(0) var<storage, read> correct: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;

var<workgroup> partials: array<u32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0u;
  for (var n = lane; n < params.rows; n += WORKGROUP) { sum += correct[n]; }
  partials[lane] = sum;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { partials[lane] += partials[lane + half]; }
  }
  if (lane == 0u) { output[0] = partials[0]; }
}

// output[0] = mean of losses[0 .. rows]. One workgroup: an invocation sums every 64th loss in runs of RUN losses, then
// adds the runs; a tree adds the invocations. So no chain of additions is long.
struct Params { rows: u32 }
@group(0) @binding(0) var<storage, read> losses: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;
const RUN = 16u;

var<workgroup> partials: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var start = 0u; start < params.rows; start += WORKGROUP * RUN) {
    let end = min(start + WORKGROUP * RUN, params.rows);
    var run = 0.0;
    for (var n = start + lane; n < end; n += WORKGROUP) { run += losses[n]; }
    sum += run;
  }
  partials[lane] = sum;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { partials[lane] += partials[lane + half]; }
  }
  if (lane == 0u) { output[0] = partials[0] / f32(params.rows); }
}

// norm[0] = the root of the sum of partials[0 .. count]; coefficient[0] = maxNorm / (norm + 1e-6), at most 1. One
// workgroup: an invocation sums every 64th partial in runs of RUN, then adds the runs; a tree adds the invocations.
struct Params { count: u32, maxNorm: f32 }
@group(0) @binding(0) var<storage, read> partials: array<f32>;
@group(0) @binding(1) var<storage, read_write> norm: array<f32>;
@group(0) @binding(2) var<storage, read_write> coefficient: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;
const RUN = 16u;

var<workgroup> sums: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var start = 0u; start < params.count; start += WORKGROUP * RUN) {
    let end = min(start + WORKGROUP * RUN, params.count);
    var run = 0.0;
    for (var n = start + lane; n < end; n += WORKGROUP) { run += partials[n]; }
    sum += run;
  }
  sums[lane] = sum;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { sums[lane] += sums[lane + half]; }
  }
  if (lane == 0u) {
    let total = sqrt(sums[0]);
    norm[0] = total;
    var scale = params.maxNorm / (total + 1e-6);
    // A norm of NaN makes every gradient NaN, as in torch: min() might choose 1.
    if (scale > 1.0) { scale = 1.0; }
    coefficient[0] = scale;
  }
}

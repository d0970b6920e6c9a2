// output[0] = (sum of values[0 .. count]) / divisor, where 0 / 0 is NaN: the mean of no losses. One workgroup: an
// invocation sums every 64th value in runs of RUN values, then adds the runs; a tree adds the invocations. So no chain
// of additions is long.
struct Params { count: u32, divisor: f32 }
@group(0) @binding(0) var<storage, read> values: array<f32>;
<% if (k.measured) { %>
@group(0) @binding(1) var<storage, read> divisors: array<f32>;
<% } %>
@group(0) @binding(<%= k.measured ? 2 : 1 %>) var<storage, read_write> output: array<f32>;
@group(0) @binding(<%= k.measured ? 3 : 2 %>) var<uniform> params: Params;

const WORKGROUP = 64u;
const RUN = 16u;

var<workgroup> partials: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var start = 0u; start < params.count; start += WORKGROUP * RUN) {
    let end = min(start + WORKGROUP * RUN, params.count);
    var run = 0.0;
    for (var n = start + lane; n < end; n += WORKGROUP) { run += values[n]; }
    sum += run;
  }
  partials[lane] = sum;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { partials[lane] += partials[lane + half]; }
  }
  if (lane == 0u) {
    let divisor = <%= k.measured ? 'divisors[0]' : 'params.divisor' %>;
    // A compiler may assume that no NaN arises, but does not check the bits of a variable.
    var bits = 0x7fc00000u;
    var result = bitcast<f32>(bits);
    if (divisor != 0.0 || partials[0] != 0.0) { result = partials[0] / divisor; }
    output[0] = result;
  }
}

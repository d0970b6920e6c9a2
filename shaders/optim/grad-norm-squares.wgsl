// partials[offset + workgroup] = the sum of the squares of the workgroup's elements of a gradient. An invocation sums
// runs of RUN Values, a workgroup apart, and adds the runs; a tree adds the invocations. So no chain of additions is
// long, and the order is fixed. A folded grid may have a workgroup without elements, whose sum is 0.
struct Params { count: u32, offset: u32 }
@group(0) @binding(0) var<storage, read> grad: array<Value>;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('/elementwise/parts/elementwise.wgsl', k) %>
const RUN = 16u;

var<workgroup> sums: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = group.y * groups.x + group.x;
  let first = index * (WORKGROUP * ITEMS) + lane;
  var sum = Value();
  for (var start = 0u; start < ITEMS; start += RUN) {
    var run = Value();
    for (var j = start; j < start + RUN; j++) {
      let i = first + j * WORKGROUP;
      if (i < params.count) { run += grad[i] * grad[i]; }
    }
    sum += run;
  }
<% if (k.vector) { %>
  sums[lane] = (sum.x + sum.y) + (sum.z + sum.w);
<% } else { %>
  sums[lane] = sum;
<% } %>
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { sums[lane] += sums[lane + half]; }
  }
  if (lane == 0u) { partials[params.offset + index] = sums[0]; }
}

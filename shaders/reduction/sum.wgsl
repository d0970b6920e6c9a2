// output = sum of each slice of input; with `mean`, divided by count. See parts/slices.wgsl.
//
// An invocation sums runs of RUN Values, and adds the runs; a tree adds the invocations that share a slice. No chain of
// additions is long, and the order is fixed.
struct Params { outputs: u32, terms: u32, inner: u32, slices: u32, share: u32, items: u32, count: f32 }
@group(0) @binding(0) var<storage, read> input: array<Value>;
@group(0) @binding(1) var<storage, read_write> output: array<Total>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('/reduction/parts/slices.wgsl', k) %>
<%~ include('/reduction/parts/total.wgsl', k) %>
const RUN = 32u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * (PER_GROUP * params.items) + lane / ACROSS;
  for (var j = 0u; j < params.items; j++) {
    let o = first + j * PER_GROUP;
    let slice = sliceOf(o);
    var sum = Value();
    for (var start = slice.first + lane % ACROSS; start < slice.end; start += ACROSS * RUN) {
      let stop = min(start + ACROSS * RUN, slice.end);
      var run = Value();
      for (var t = start; t < stop; t += ACROSS) { run += input[slice.start + t * params.inner]; }
      sum += run;
    }
    let total = totalOf(sum, lane);
    if (lane % ACROSS == 0u && o < params.outputs) { output[o] = total<% if (k.mean) { %> / params.count<% } %>; }
  }
}

// output = exp(input) / sum of exp(input) over the terms of [outer, terms, inner]; with `log` its logarithm. The maximum
// is subtracted first, so that exp does not overflow. See parts/slices.wgsl: here a slice is all terms.
//
// The terms are read three times: for their maximum, for the sum, which is taken as in sum.wgsl, and for the output.
struct Params { outputs: u32, terms: u32, inner: u32, slices: u32, share: u32, items: u32 }
@group(0) @binding(0) var<storage, read> input: array<Value>;
@group(0) @binding(1) var<storage, read_write> output: array<Value>;
@group(0) @binding(2) var<uniform> params: Params;

<%~ include('/reduction/parts/slices.wgsl', k) %>
<%~ include('/reduction/parts/total.wgsl', k) %>
const LOWEST = -3.4028234e38;

fn largestOf(largest: Value, lane: u32) -> Total {
<% if (k.fold) { %>
  let own = max(max(largest.x, largest.y), max(largest.z, largest.w));
<% } else { %>
  let own = largest;
<% } %>
<%~ include('/reduction/parts/tree.wgsl', { ...k, joined: 'max(partials[lane], partials[lane + half])' }) %>
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * (PER_GROUP * params.items) + lane / ACROSS;
  for (var j = 0u; j < params.items; j++) {
    let slice = sliceOf(first + j * PER_GROUP);
    let begin = slice.first + lane % ACROSS;
    var largest = Value(LOWEST);
    for (var t = begin; t < slice.end; t += ACROSS) {
      largest = max(largest, input[slice.start + t * params.inner]);
    }
    let maximum = largestOf(largest, lane);

<%~ include('/reduction/parts/sum.wgsl', { ...k, term: 'exp(input[i] - maximum)' }) %>
    let total = totalOf(sum, lane);
<% if (k.log) { %>
    let logTotal = log(total);
<% } %>
    for (var t = begin; t < slice.end; t += ACROSS) {
      let i = slice.start + t * params.inner;
<% if (k.log) { %>
      output[i] = (input[i] - maximum) - logTotal;
<% } else { %>
      output[i] = exp(input[i] - maximum) / total;
<% } %>
    }
  }
}

// output = sum of each slice of input; with `mean`, divided by count. See parts/slices.wgsl.
//
// Or steps of log(sum of exp(input)), by the maximum of each result's terms, so that exp does not overflow: with `exp`
// the terms are exp(input - maximum); with `log` the output is maximum + log(sum).
struct Params { outputs: u32, terms: u32, inner: u32, slices: u32, share: u32, items: u32, count: f32 }
@group(0) @binding(0) var<storage, read> input: array<Value>;
<% if (k.maxima) { %>
@group(0) @binding(1) var<storage, read> maxima: array<Result>;
<% } %>
@group(0) @binding(<%= k.maxima ? 2 : 1 %>) var<storage, read_write> output: array<Result>;
@group(0) @binding(<%= k.maxima ? 3 : 2 %>) var<uniform> params: Params;

<%~ include('/reduction/parts/slices.wgsl', k) %>
<%~ include('/reduction/parts/total.wgsl', k) %>

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
<% if (k.maxima) { %>
    let maximum = maxima[slice.result];
<% } %>
<%~ include('/reduction/parts/sum.wgsl', { ...k, term: k.exp ? 'exp(input[i] - maximum)' : 'input[i]' }) %>
    var total = totalOf(sum, lane);
<% if (k.mean) { %>
    total /= params.count;
<% } %>
<% if (k.log) { %>
    // Of a maximum that is infinite or NaN, the result is the same.
    let special = (bitcast<ResultBits>(maximum) & ResultBits(0x7f800000u)) == ResultBits(0x7f800000u);
    total = select(maximum + log(total), maximum, special);
<% } %>
    if (lane % ACROSS == 0u && o < params.outputs) { output[o] = total; }
  }
}

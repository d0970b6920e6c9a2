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
<%~ include('/reduction/parts/order.wgsl', k) %>
<% if (k.across > 1) { %>
var<workgroup> keys: array<ResultBits, WORKGROUP>;
<% } %>

fn largestOf(key: Bits, lane: u32) -> ResultBits {
  let own = <%= k.fold ? 'max(max(key.x, key.y), max(key.z, key.w))' : 'key' %>;
<%~ include('/reduction/parts/tree.wgsl', { ...k, partials: 'keys', joined: 'max(keys[lane], keys[lane + half])' }) %>
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
    var largest = Bits();
    for (var t = begin; t < slice.end; t += ACROSS) {
      largest = max(largest, keyOf(bitcast<Bits>(input[slice.start + t * params.inner])));
    }
    let bits = bitsOf(largestOf(largest, lane));
    let maximum = bitcast<Result>(bits);

<%~ include('/reduction/parts/sum.wgsl', { ...k, term: 'exp(input[i] - maximum)' }) %>
    let total = totalOf(sum, lane);
    // As in torch, a row with NaN or infinity is NaN, and so is one of nothing but minus infinity.
    let special = (bits & ResultBits(0x7f800000u)) == ResultBits(0x7f800000u);
    let nan = bitcast<Result>(bits | ResultBits(0x7fc00000u));
<% if (k.log) { %>
    let shift = select(log(total), nan, special);
<% } else { %>
    let scale = select(1.0 / total, nan, special);
<% } %>
    for (var t = begin; t < slice.end; t += ACROSS) {
      let i = slice.start + t * params.inner;
      output[i] = <%= k.log ? '(input[i] - maximum) - shift' : 'exp(input[i] - maximum) * scale' %>;
    }
  }
}

// The gradient of softmax-forward.wgsl from its output, over the terms of [outer, terms, inner]:
// inputGrad = output * (outputGrad - sum of output * outputGrad); with `log`
// inputGrad = outputGrad - exp(output) * sum of outputGrad.
// See parts/slices.wgsl: here a slice is all terms. They are read twice; the sum is taken as in sum.wgsl.
struct Params { outputs: u32, terms: u32, inner: u32, slices: u32, share: u32, items: u32 }
@group(0) @binding(0) var<storage, read> output: array<Value>;
@group(0) @binding(1) var<storage, read> outputGrad: array<Value>;
@group(0) @binding(2) var<storage, read_write> inputGrad: array<Value>;
@group(0) @binding(3) var<uniform> params: Params;

<%~ include('/reduction/parts/slices.wgsl', k) %>
<%~ include('/reduction/parts/total.wgsl', k) %>
<% if (k.log) { %>
<%~ include('/reduction/parts/exp.wgsl') %>
<% } %>

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
<%~ include('/reduction/parts/sum.wgsl', { ...k, term: k.log ? 'outputGrad[i]' : 'outputGrad[i] * output[i]' }) %>
    let total = totalOf(sum, lane);
    for (var t = begin; t < slice.end; t += ACROSS) {
      let i = slice.start + t * params.inner;
      inputGrad[i] = <%= k.log ? 'outputGrad[i] - expOf(output[i]) * total' : 'output[i] * (outputGrad[i] - total)' %>;
    }
  }
}

// output[n, o] = sum over i of input[n, i] * weight[o, i], plus bias[o] if there is one.
// input [rows, inFeatures], weight [outFeatures, inFeatures], output [rows, outFeatures]. Input and
// weight may be f16; bias and output are f32.
//
// A workgroup computes 8 outputs, with 8 invocations each. An invocation sums every eighth term of a dot product, so
// the eight read adjacent values, four at a time in four accumulators. A tree adds the eight sums. With one invocation
// per output, a small layer's few outputs would leave a GPU idle. With a workgroup per output, a CPU would spend its
// time at barriers.
<%~ include('/parts/stored.wgsl', k) %>

struct Params { rows: u32, inFeatures: u32, outFeatures: u32 }
@group(0) @binding(0) var<storage, read> input: array<Stored>;
@group(0) @binding(1) var<storage, read> weight: array<Stored>;
<% if (k.bias) { %>
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;
<% } else { %>
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;
<% } %>

const OUTPUTS = 8u;
const PARTS = 8u;
const WORKGROUP = OUTPUTS * PARTS;

var<workgroup> partials: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let part = lane % PARTS;
  let index = (group.y * groups.x + group.x) * OUTPUTS + lane / PARTS;
  let inside = index < params.rows * params.outFeatures;
  let o = index % params.outFeatures;
  if (inside) {
    let size = params.inFeatures;
    let x = (index / params.outFeatures) * size;
    let w = o * size;
    var sums = vec4<f32>();
    var i = part;
    for (; i + 3u * PARTS < size; i += 4u * PARTS) {
      let values = vec4<Stored>(input[x + i], input[x + i + PARTS], input[x + i + 2u * PARTS], input[x + i + 3u * PARTS]);
      let weights = vec4<Stored>(weight[w + i], weight[w + i + PARTS], weight[w + i + 2u * PARTS], weight[w + i + 3u * PARTS]);
      sums += vec4<f32>(values) * vec4<f32>(weights);
    }
    for (; i < size; i += PARTS) { sums.x += f32(input[x + i]) * f32(weight[w + i]); }
    partials[lane] = (sums.x + sums.y) + (sums.z + sums.w);
  }
  for (var half = PARTS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (part < half) { partials[lane] += partials[lane + half]; }
  }
  if (inside && part == 0u) {
<% if (k.bias) { %>
    output[index] = partials[lane] + bias[o];
<% } else { %>
    output[index] = partials[lane];
<% } %>
  }
}

// output = (input - mean[c]) * invStd[c] * weight[c] + bias[c], then optionally adds the residual and applies ReLU.
// input, residual and output [batch, channels, plane] may be f16; statistics [3, channels]: mean, invStd and meanLow,
// as batch-norm/statistics.wgsl defines them.
//
// Workgroups along y take channels, along x parts of a plane, along z images. This avoids divisions, and the loaded
// values of a channel serve several images. On a CPU adapter a workgroup is one vector, because idle lanes cost as much
// as busy ones. It takes all images, because starting a workgroup costs as much as fifty loads.
<%~ include('/parts/stored.wgsl', k) %>
alias Values = <%= k.vector ? 'vec4<Stored>' : 'Stored' %>;

struct Params { batch: u32, channels: u32, plane: u32, part: u32 }
@group(0) @binding(0) var<storage, read> input: array<Values>;
@group(0) @binding(1) var<storage, read> statistics: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
<% if (k.residual) { %>
@group(0) @binding(4) var<storage, read> residual: array<Values>;
@group(0) @binding(5) var<storage, read_write> output: array<Values>;
@group(0) @binding(6) var<uniform> params: Params;
<% } else { %>
@group(0) @binding(4) var<storage, read_write> output: array<Values>;
@group(0) @binding(5) var<uniform> params: Params;
<% } %>

const WORKGROUP = <%= k.workgroup %>u;

<%~ include('/batch-norm/parts/batch-norm.wgsl', k) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let start = group.x * params.part + lane;
  let stop = min((group.x + 1u) * params.part, params.plane);
  for (var c = group.y; c < params.channels; c += groups.y) {
    let mean = statistics[c];
    let scale = statistics[params.channels + c] * weight[c];
    let shift = shiftOf(bias[c], statistics[2u * params.channels + c], scale);
    for (var n = group.z; n < params.batch; n += groups.z) {
      let first = (n * params.channels + c) * params.plane;
      for (var i = first + start; i < first + stop; i += WORKGROUP) {
        let value = normalised(Value(input[i]), mean, scale, shift)<% if (k.residual) { %> + Value(residual[i])<% } %>;
        output[i] = Values(<%= k.relu ? 'relu(value)' : 'value' %>);
      }
    }
  }
}

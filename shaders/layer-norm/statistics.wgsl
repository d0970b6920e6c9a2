// Statistics of each row: input [rows, length], as Values -> statistics [rows]: mean, invStd = 1 / sqrt(variance + eps)
// with the biased variance, and shift = -meanLow * invStd, where meanLow is the mean's rounding error. So
// (input - mean) * invStd + shift is the normalised input, to all digits even if the row is far from 0.
//
// A workgroup takes a row, see moments.wgsl, or with `single` each invocation does: at short rows, adding up the
// invocations of a workgroup would take longer than the sums.
<% if (k.subgroup) { %>enable subgroups;<% } %>
struct Params { rows: u32, length: u32, zero: u32, eps: f32 }
@group(0) @binding(0) var<storage, read> input: array<Value>;
@group(0) @binding(1) var<storage, read_write> statistics: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = <%= k.workgroup %>u;
const RUN = <%= k.run %>u;

alias Value = <%= k.vector ? 'vec4<f32>' : 'f32' %>;
<%~ include('/parts/moments.wgsl', k) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) invocation: u32,
) {
  let count = f32(params.length) * <%= k.vector ? '4.0' : '1.0' %>;
<% if (k.single) { %>
  let lane = 0u;
  for (var row = group.x * WORKGROUP + invocation; row < params.rows; row += groups.x * WORKGROUP) {
<% } else { %>
  let lane = invocation;
  for (var row = group.x; row < params.rows; row += groups.x) {
<% } %>
    let found = moments(row * params.length, 0u, 1u, params.length, count, lane);
    if (lane == 0u) {
      let invStd = inverseRoot(added(quotient(found.squares, count), Pairs(params.eps, 0.0)));
      statistics[row] = vec4(found.mean.x, invStd, -found.mean.y * invStd, 0.0);
    }
  }
}

<%
// Constants: weight, bias (whether there are any); byValue (whether they have an entry for each value of a row, or one
// for the whole row); shared and periodic (whether share and period are above 1, which saves divisions); vector, lanesX
// and lanesY.
const names = ['input', 'statistics', ...(k.weight ? ['weight'] : []), ...(k.bias ? ['bias'] : []), 'output'];
const type = (name) => (name === 'statistics' ? 'vec4<f32>' : k.byValue || !/weight|bias/.test(name) ? 'Value' : 'f32');
const row = k.periodic ? 'row % params.period' : '0u';
%>
// output = ((input - mean) * invStd + shift) * weight + bias. input and output [rows, length], as Values; statistics
// as layer-norm/statistics.wgsl defines them, one for `share` rows.
//
// With byValue, weight and bias are [period, length]: layer norm's have one row, group norm's one for each group. Else
// they are [period]: group norm's rows are channels then. Row r takes entry r % period.
//
// LANES_X invocations of a workgroup take adjacent values of a row, LANES_Y rows; along x a workgroup takes `part`
// values.
alias Value = <%= k.vector ? 'vec4<f32>' : 'f32' %>;

struct Params { rows: u32, length: u32, share: u32, period: u32, part: u32 }
<% for (const [i, name] of names.entries()) { %>
@group(0) @binding(<%= i %>) var<storage, <%= name === 'output' ? 'read_write' : 'read' %>> <%= name %>: array<<%= type(name) %>>;
<% } %>
@group(0) @binding(<%= names.length %>) var<uniform> params: Params;

const LANES_X = <%= k.lanesX %>u;
const LANES_Y = <%= k.lanesY %>u;
const WORKGROUP = LANES_X * LANES_Y;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let end = min((group.x + 1u) * params.part, params.length);
  for (var row = group.y * LANES_Y + lane / LANES_X; row < params.rows; row += groups.y * LANES_Y) {
    let norm = statistics[<%= k.shared ? 'row / params.share' : 'row' %>];
<% if (k.byValue) { %>
    let entries = (<%= row %>) * params.length;
<% } else { %>
    let entry = <%= row %>;
    let scale = norm.y<% if (k.weight) { %> * weight[entry]<% } %>;
    let shift = norm.z<% if (k.weight) { %> * weight[entry]<% } %><% if (k.bias) { %> + bias[entry]<% } %>;
<% } %>
    let first = row * params.length;
    for (var i = group.x * params.part + lane % LANES_X; i < end; i += LANES_X) {
      let distance = input[first + i] - norm.x;
<% if (k.byValue) { %>
      output[first + i] = (distance * norm.y + norm.z)<% if (k.weight) { %> * weight[entries + i]<% } %><% if (k.bias) { %> + bias[entries + i]<% } %>;
<% } else { %>
      output[first + i] = distance * scale + shift;
<% } %>
    }
  }
}

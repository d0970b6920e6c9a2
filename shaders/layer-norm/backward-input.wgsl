<%
// Constants: weight; byValue, shared, periodic, vector, lanesX, lanesY as in layer-norm/forward.wgsl.
const names = ['input', 'outputGrad', 'statistics', 'sums', ...(k.weight ? ['weight'] : []), 'inputGrad'];
const type = (name) => ({ statistics: 'vec4<f32>', sums: 'f32', weight: k.byValue ? 'Value' : 'f32' })[name] ?? 'Value';
const row = k.periodic ? 'row % params.period' : '0u';
%>
// Gradient of the input (Ba, Kiros and Hinton 2016): with x the normalised input and grad = outputGrad * weight,
//   inputGrad = invStd * (grad - mean of grad - x * mean of grad * x), over all that was normalised together.
// sums [2, rows / share] has the sums of grad and of grad * x (see layer-norm/sums.wgsl); count is their number of
// terms. The rest is as in layer-norm/forward.wgsl.
alias Value = <%= k.vector ? 'vec4<f32>' : 'f32' %>;

struct Params { rows: u32, length: u32, share: u32, period: u32, part: u32, count: f32 }
<% for (const [i, name] of names.entries()) { %>
@group(0) @binding(<%= i %>) var<storage, <%= name === 'inputGrad' ? 'read_write' : 'read' %>> <%= name %>: array<<%= type(name) %>>;
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
    let statistic = <%= k.shared ? 'row / params.share' : 'row' %>;
    let norm = statistics[statistic];
    let gradMean = sums[statistic] / params.count;
    let productMean = sums[params.rows / params.share + statistic] / params.count;
<% if (k.weight && k.byValue) { %>
    let entries = (<%= row %>) * params.length;
<% } else if (k.weight) { %>
    let scale = weight[<%= row %>];
<% } %>
    let first = row * params.length;
    for (var i = group.x * params.part + lane % LANES_X; i < end; i += LANES_X) {
      let x = (input[first + i] - norm.x) * norm.y + norm.z;
      let grad = outputGrad[first + i]<% if (k.weight) { %> * <%= k.byValue ? 'weight[entries + i]' : 'scale' %><% } %>;
      inputGrad[first + i] = norm.y * (grad - gradMean - x * productMean);
    }
  }
}

<%
// Constants: table; weight; shared and periodic as in layer-norm/forward.wgsl; vector, workgroup, run, subgroup, single.
const names = [...(k.table ? ['terms'] : ['input', 'outputGrad', 'statistics']), ...(k.weight ? ['weight'] : []), 'sums'];
%>
// Two sums over each row of [rows, length], as Values: of grad, and of grad * x, where x is the normalised input and
// grad is outputGrad, times the weight if one is given: [period, length], of which row r takes row r % period.
// sums [2, rows].
//
// One of the statistics of layer-norm/statistics.wgsl serves `share` rows. With `table`, outputGrad and outputGrad * x
// are not computed, but given as terms [2, rows, length]: sums of an earlier pass over smaller rows.
//
// A workgroup or, with `single`, an invocation takes a row, as in layer-norm/statistics.wgsl. An invocation sums in
// runs of RUN Values, and adds the runs with their rounding errors; a tree adds the invocations, in a fixed order.
<% if (k.subgroup) { %>enable subgroups;<% } %>
alias Value = <%= k.vector ? 'vec4<f32>' : 'f32' %>;

struct Params { rows: u32, length: u32, share: u32, period: u32, zero: u32 }
<% for (const [i, name] of names.entries()) { %>
@group(0) @binding(<%= i %>) var<storage, <%= name === 'sums' ? 'read_write' : 'read' %>> <%= name %>: array<<%= name === 'statistics' ? 'vec4<f32>' : name === 'sums' ? 'f32' : 'Value' %>>;
<% } %>
@group(0) @binding(<%= names.length %>) var<uniform> params: Params;

const WORKGROUP = <%= k.workgroup %>u;
const RUN = <%= k.run %>u;
const LANES = <%= k.single ? '1u' : 'WORKGROUP' %>;

<%~ include('/parts/compensated.wgsl', { types: { Value: k.vector ? 4 : 1, Sums: 2 } }) %>
<%~ include('/parts/total.wgsl', { ...k, sums: 2 }) %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) invocation: u32,
) {
<% if (k.single) { %>
  let lane = 0u;
  for (var row = group.x * WORKGROUP + invocation; row < params.rows; row += groups.x * WORKGROUP) {
<% } else { %>
  let lane = invocation;
  for (var row = group.x; row < params.rows; row += groups.x) {
<% } %>
<% if (!k.table) { %>
    let norm = statistics[<%= k.shared ? 'row / params.share' : 'row' %>];
<% } %>
    let first = row * params.length;
    let end = first + params.length;
<% if (k.weight) { %>
    // Added to an index, it gives that of the weight. It may wrap around.
    let weights = (<%= k.periodic ? 'row % params.period' : '0u' %>) * params.length - first;
<% } %>
    var grads = Value();
    var gradsLow = Value();
    var products = Value();
    var productsLow = Value();
    for (var start = first; start < end; start += LANES * RUN) {
      var runGrads = Value();
      var runProducts = Value();
      for (var i = start + lane; i < min(start + LANES * RUN, end); i += LANES) {
<% if (k.table) { %>
        runGrads += terms[i]<%= k.weight ? ' * weight[weights + i]' : '' %>;
        runProducts += terms[params.rows * params.length + i]<%= k.weight ? ' * weight[weights + i]' : '' %>;
<% } else { %>
        let grad = outputGrad[i]<%= k.weight ? ' * weight[weights + i]' : '' %>;
        runGrads += grad;
        runProducts += grad * ((input[i] - norm.x) * norm.y + norm.z);
<% } %>
      }
      addTo(&grads, &gradsLow, runGrads);
      addTo(&products, &productsLow, runProducts);
    }
<% if (k.vector) { %>
    let own = addedUp(
<%   for (const part of ['x', 'y', 'z', 'w']) { %>
      Pairs(grads.<%= part %>, products.<%= part %>, gradsLow.<%= part %>, productsLow.<%= part %>),
<%   } %>
    );
<% } else { %>
    let own = Pairs(grads, products, gradsLow, productsLow);
<% } %>
    let result = total(own, lane);
    if (lane == 0u) {
      sums[row] = result.x + result.z;
      sums[params.rows + row] = result.y + result.w;
    }
  }
}

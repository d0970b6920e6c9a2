<%
// Constants: table; last; vector, lanesX, lanesY.
const inputs = k.table ? ['terms'] : ['input', 'outputGrad', 'statistics'];
const outputs = k.last ? ['weightGrad', 'biasGrad'] : ['partial'];
%>
// Gradients of weight and bias: sums over the rows of [rows, columns], as Values, of outputGrad * x (weightGrad) and
// outputGrad (biasGrad), where x is the normalised input. Statistics as in layer-norm/statistics.wgsl, for each row and
// every `share` columns.
//
// With `table`, terms [2, rows, columns] has outputGrad, then outputGrad * x: sums of an earlier pass. Workgroups along
// y sum slices of rows; without `last`, they write partial [2, slices, columns], the terms of another pass.
//
// LANES_X invocations of a workgroup take adjacent columns, LANES_Y every LANES_Y-th row of the slice. An invocation
// sums in runs of RUN rows, then the runs; a tree adds the invocations of a column, in a fixed order.
alias Value = <%= k.vector ? 'vec4<f32>' : 'f32' %>;

struct Params { rows: u32, columns: u32, share: u32, slice: u32 }
<% for (const [i, name] of [...inputs, ...outputs].entries()) { %>
@group(0) @binding(<%= i %>) var<storage, <%= i < inputs.length ? 'read' : 'read_write' %>> <%= name %>: array<<%= name === 'statistics' ? 'vec4<f32>' : 'Value' %>>;
<% } %>
@group(0) @binding(<%= inputs.length + outputs.length %>) var<uniform> params: Params;

const LANES_X = <%= k.lanesX %>u;
const LANES_Y = <%= k.lanesY %>u;
const WORKGROUP = LANES_X * LANES_Y;
const RUN = 16u;

<% if (k.lanesY > 1) { %>
var<workgroup> gradParts: array<Value, WORKGROUP>;
var<workgroup> productParts: array<Value, WORKGROUP>;
<% } %>

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = group.y * params.slice;
  let last = min(first + params.slice, params.rows);
  for (var left = group.x * LANES_X; left < params.columns; left += groups.x * LANES_X) {
    let column = left + lane % LANES_X;
    let end = select(first, last, column < params.columns);
<% if (!k.table) { %>
    let statisticsPerRow = params.columns / params.share;
    let own = column / params.share;
<% } %>
    var grads = Value();
    var products = Value();
    for (var start = first; start < end; start += LANES_Y * RUN) {
      var runGrads = Value();
      var runProducts = Value();
      for (var row = start + lane / LANES_X; row < min(start + LANES_Y * RUN, end); row += LANES_Y) {
        let i = row * params.columns + column;
<% if (k.table) { %>
        runGrads += terms[i];
        runProducts += terms[params.rows * params.columns + i];
<% } else { %>
        let norm = statistics[row * statisticsPerRow + own];
        let grad = outputGrad[i];
        runGrads += grad;
        runProducts += grad * ((input[i] - norm.x) * norm.y + norm.z);
<% } %>
      }
      grads += runGrads;
      products += runProducts;
    }
<% if (k.lanesY > 1) { %>
    gradParts[lane] = grads;
    productParts[lane] = products;
    for (var half = LANES_Y / 2u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (lane / LANES_X < half) {
        gradParts[lane] += gradParts[lane + half * LANES_X];
        productParts[lane] += productParts[lane + half * LANES_X];
      }
    }
    grads = gradParts[lane];
    products = productParts[lane];
<% } %>
    if (column < params.columns && lane < LANES_X) {
<% if (k.last) { %>
      biasGrad[column] = grads;
      weightGrad[column] = products;
<% } else { %>
      partial[group.y * params.columns + column] = grads;
      partial[(groups.y + group.y) * params.columns + column] = products;
<% } %>
    }
<% if (k.lanesY > 1) { %>
    // The next sums must not overwrite parts that other invocations have yet to read.
    workgroupBarrier();
<% } %>
  }
}

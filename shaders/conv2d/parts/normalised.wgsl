<%
// Given: binding (of the table; the next one is that of the residual), type (computed at once), residual, relu or
// relu6, hardswish or silu; and stored, if the stored type differs.
const residualAt = k.stored ? `${k.type}(residual[place])` : 'residual[place]';
const T = k.type;
const bits = T === 'f32' ? 'u32' : T.replace('f32', 'u32');
%>
// The ops after a convolution in eval mode, applied before it writes: batch norm, then optionally a residual and an activation.
// The table has mean, scale and shift of each channel. `place` counts in units of the stored type.
@group(0) @binding(<%= k.binding %>) var<storage, read> table: array<vec4<f32>>;
@group(0) @binding(<%= k.binding + 1 %>) var<storage, read> residual: array<<%= k.stored ?? k.type %>>;

<% if (k.relu6 || k.hardswish) { %>
// As clampOf in elementwise/parts/functions.wgsl.
fn between0And6(x: <%= T %>) -> <%= T %> {
  let above = select(x, <%= T %>(), x < <%= T %>());
  return select(above, <%= T %>(6.0), above > <%= T %>(6.0));
}
<% } %>
<% if (k.silu) { %>
// As there: exp(x); NaN stays.
fn expOf(x: <%= T %>) -> <%= T %> {
  return select(exp(x), x, (bitcast<<%= bits %>>(x) & <%= bits %>(0x7fffffffu)) > <%= bits %>(0x7f800000u));
}
<% } %>

fn normalised(value: <%= k.type %>, norm: vec4<f32>, place: u32) -> <%= k.type %> {
  // As in batch-norm/parts/batch-norm.wgsl, so the values equal those of a separate pass.
  let result = (value - norm.x) * norm.y + norm.z<% if (k.residual) { %> + <%= residualAt %><% } %>;
<% if (k.relu6) { %>
  return between0And6(result);
<% } else if (k.hardswish) { %>
  return result * (between0And6(result + 3.0) / 6.0);
<% } else if (k.silu) { %>
  return result * (1.0 / (1.0 + expOf(-result)));
<% } else { %>
  return <%= k.relu ? `select(result, ${T}(), result < ${T}())` : 'result' %>;
<% } %>
}

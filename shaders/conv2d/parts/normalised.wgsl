<%
// Given: binding (of the table; the next one is that of the residual), type (computed at once), residual, relu; and
// stored, if the stored type differs.
const residualAt = k.stored ? `${k.type}(residual[place])` : 'residual[place]';
%>
// The ops after a convolution in eval mode, applied before it writes: batch norm, then optionally a residual and ReLU.
// The table has mean, scale and shift of each channel. `place` counts in units of the stored type.
@group(0) @binding(<%= k.binding %>) var<storage, read> table: array<vec4<f32>>;
@group(0) @binding(<%= k.binding + 1 %>) var<storage, read> residual: array<<%= k.stored ?? k.type %>>;

fn normalised(value: <%= k.type %>, norm: vec4<f32>, place: u32) -> <%= k.type %> {
  // As in batch-norm/parts/batch-norm.wgsl, so the values equal those of a separate pass.
  let result = (value - norm.x) * norm.y + norm.z<% if (k.residual) { %> + <%= residualAt %><% } %>;
  return <%= k.relu ? `select(result, ${k.type}(), result < ${k.type}())` : 'result' %>;
}

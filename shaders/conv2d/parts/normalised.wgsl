<%
// Given: binding (of the table; that of the residual is the next), type (of what is computed at once), residual, relu; and
// stored, where what is stored at once is of another type.
const residualAt = k.stored ? `${k.type}(residual[place])` : 'residual[place]';
%>
// What follows a convolution in eval mode, done where it writes: batch norm, of which the table has mean, scale and shift of
// each channel, then the residual is added and ReLU applied where wanted. `place` counts in what is stored at once.
@group(0) @binding(<%= k.binding %>) var<storage, read> table: array<vec4<f32>>;
@group(0) @binding(<%= k.binding + 1 %>) var<storage, read> residual: array<<%= k.stored ?? k.type %>>;

fn normalised(value: <%= k.type %>, norm: vec4<f32>, place: u32) -> <%= k.type %> {
  // As in parts/batch-norm.wgsl, so that the numbers are those of a pass of its own.
  let result = (value - norm.x) * norm.y + norm.z<% if (k.residual) { %> + <%= residualAt %><% } %>;
  return <%= k.relu ? `select(result, ${k.type}(), result < ${k.type}())` : 'result' %>;
}

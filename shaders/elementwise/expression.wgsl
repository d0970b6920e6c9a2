<%
// Given: expression (WGSL of type f32, or bool for u32 results), operands (name, type, mode: 'each', 'one' or
// 'number'), parameters (names), rank, vector, workgroup, items, result (f32 or u32).
const range = (n) => [...Array(n).keys()];
const tensors = k.operands.filter(({ mode }) => mode !== 'number');
const width = k.vector ? 4 : 1;
const array = ({ type, mode }) => (k.vector && mode === 'each' ? `vec4<${type}>` : type);
const names = [...k.operands.map(({ name }) => name), ...k.parameters];
const types = [...k.operands.map(({ type }) => type), ...k.parameters.map(() => 'f32')];
// The arguments of component c.
const arguments_ = (c) =>
  [
    ...k.operands.map(({ name, mode }) =>
      mode === 'number' ? `params.${name}Number` : `${name}At${k.vector && mode === 'each' ? `[${c}]` : ''}`,
    ),
    ...k.parameters.map((name) => `params.${name}Number`),
  ].join(', ');
const value = (c) => (k.result === 'u32' ? `u32(computed(${arguments_(c)}))` : `computed(${arguments_(c)})`);
%>
// One expression of the operands, elementwise. Operands are broadcast: extent0 … are the extents that all walk together,
// outermost first, and an operand moves by its stride in each. With one dimension, all move by 1 or not at all. An
// invocation takes ITEMS results or vectors of four, a workgroup apart; in vectors of four an operand that does not
// move along the last dimension gives one value to all four. Only the place of an invocation's first result is found by
// divisions, which a CPU adapter computes one by one; step0 … are the way from one to the next in each dimension.
struct Params {
  count: u32,
<% for (const d of range(k.rank - 1)) { %>
  extent<%= d + 1 %>: u32,
  step<%= d + 1 %>: u32,
<%   for (const { name } of tensors) { %>
  <%= name %>Stride<%= d %>: u32,
<% } } %>
<% if (k.rank > 1) { %>
  step0: u32,
<% } %>
<% for (const { name, mode } of k.operands) if (mode === 'number') { %>
  <%= name %>Number: f32,
<% } %>
<% for (const name of k.parameters) { %>
  <%= name %>Number: f32,
<% } %>
}
<% for (const [i, operand] of tensors.entries()) { %>
@group(0) @binding(<%= i %>) var<storage, read> <%= operand.name %>Values: array<<%= array(operand) %>>;
<% } %>
@group(0) @binding(<%= tensors.length %>) var<storage, read_write> _result: array<<%= k.vector ? `vec4<${k.result}>` : k.result %>>;
@group(0) @binding(<%= tensors.length + 1 %>) var<uniform> params: Params;

const WORKGROUP = <%= k.workgroup %>u;
const ITEMS = <%= k.items %>u;

<%~ include('/elementwise/parts/functions.wgsl', { used: (name) => new RegExp(`\\b${name}\\(`).test(k.expression) }) %>

fn computed(<%= names.map((name, i) => `${name}: ${types[i]}`).join(', ') %>) -> <%= k.result === 'u32' ? 'bool' : 'f32' %> {
  return <%= k.expression %>;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * (WORKGROUP * ITEMS) + lane;
<% if (k.rank > 1) { %>
  var at0 = first;
<%   for (let d = k.rank - 1; d >= 1; d--) { %>
  var at<%= d %> = at0 % params.extent<%= d %>;
  at0 /= params.extent<%= d %>;
<%   } %>
<% } %>
  for (var j = 0u; j < ITEMS; j++) {
    let i = first + j * WORKGROUP;
    if (i < params.count) {
<% for (const { name, mode } of tensors) { %>
<%   const moves = range(k.rank - 1).map((d) => `at${d} * params.${name}Stride${d}`); %>
<%   const last = mode === 'one' ? [] : [k.rank > 1 ? `at${k.rank - 1}` : 'i']; %>
      let <%= name %>At = <%= name %>Values[<%= [...moves, ...last].join(' + ') || '0u' %>];
<% } %>
<% if (k.vector) { %>
      _result[i] = vec4<<%= k.result %>>(<%= range(width).map(value).join(', ') %>);
<% } else { %>
      _result[i] = <%= value(0) %>;
<% } %>
    }
<% if (k.rank > 1) { %>
    var carry = 0u;
<%   for (let d = k.rank - 1; d >= 1; d--) { %>
    at<%= d %> += params.step<%= d %> + carry;
    carry = u32(at<%= d %> >= params.extent<%= d %>);
    at<%= d %> -= carry * params.extent<%= d %>;
<%   } %>
    at0 += params.step0 + carry;
<% } %>
  }
}

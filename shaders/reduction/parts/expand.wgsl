<%
// Given as text: store, the statement that writes Value i, whose result is at o.
%>
// Iterates over [outer, terms, inner], whose results are [outer, inner]. With `vector` a Value is four columns, or with
// `fold` four terms of a row, which have one result. An invocation takes ITEMS Values, a workgroup apart.
alias Value = <%= k.vector ? 'vec4<f32>' : 'f32' %>;
alias Bits = <%= k.vector ? 'vec4<u32>' : 'u32' %>;
alias Result = <%= k.fold ? 'f32' : 'Value' %>;
const WORKGROUP = <%= k.workgroup %>u;
const ITEMS = <%= k.items %>u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * (WORKGROUP * ITEMS) + lane;
  for (var j = 0u; j < ITEMS; j++) {
    let i = first + j * WORKGROUP;
    if (i < params.count) {
      let o = i / params.span<% if (!k.rows) { %> * params.inner + i % params.inner<% } %>;
      <%= k.store %>
    }
  }
}

// Sum of `value` (of WGSL type `type`) over the workgroup, in a fixed order: by shuffles where it is one subgroup.
<% if (k.subgroup) { %>
fn total(value: <%= k.type %>, lane: u32) -> <%= k.type %> {
  var sum = value;
<% for (let half = k.workgroup / 2; half >= 1; half /= 2) { %>
  sum += subgroupShuffleXor(sum, <%= half %>u);
<% } %>
  return sum;
}
<% } else { %>
var<workgroup> partials: array<<%= k.type %>, WORKGROUP>;

fn total(value: <%= k.type %>, lane: u32) -> <%= k.type %> {
  partials[lane] = value;
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partials[lane] += partials[lane + half]; }
    workgroupBarrier();
  }
  return workgroupUniformLoad(&partials[0]);
}
<% } %>

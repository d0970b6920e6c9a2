// Sum of `value` (of WGSL type `type`) over the workgroup, in a fixed order. Where there are subgroups, by shuffles in each,
// and then over them in workgroup memory. That a subgroup is neighbours holds wherever a workgroup is one row.
<% if (k.subgroup !== k.workgroup) { %>
var<workgroup> partials: array<<%= k.type %>, WORKGROUP<% if (k.subgroup) { %> / <%= k.subgroup %>u<% } %>>;
<% } %>

fn total(value: <%= k.type %>, lane: u32) -> <%= k.type %> {
<% if (k.subgroup) { %>
  var sum = value;
<%   for (let half = k.subgroup / 2; half >= 1; half /= 2) { %>
  sum += subgroupShuffleXor(sum, <%= half %>u);
<%   } %>
<%   if (k.subgroup === k.workgroup) { %>
  return sum;
<%   } else { %>
  if (lane % <%= k.subgroup %>u == 0u) { partials[lane / <%= k.subgroup %>u] = sum; }
  workgroupBarrier();
  sum = partials[0];
  for (var i = 1u; i < WORKGROUP / <%= k.subgroup %>u; i++) { sum += partials[i]; }
  // The next sum must not overwrite what others have still to read.
  workgroupBarrier();
  return sum;
<%   } %>
<% } else { %>
  partials[lane] = value;
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partials[lane] += partials[lane + half]; }
    workgroupBarrier();
  }
  return workgroupUniformLoad(&partials[0]);
<% } %>
}

<%
// Given: sums, how many sums are taken at once, 1 or 2; vector, workgroup, subgroup; single, if every invocation has
// sums of its own.
const parts = (pair) => (k.sums === 1 ? [`${pair}.x`, `${pair}.y`] : [`${pair}.xy`, `${pair}.zw`]);
const [[high, low], [highA, lowA], [highB, lowB]] = ['value', 'a', 'b'].map(parts);
const type = `vec${2 * k.sums}<f32>`;
%>
// Sums over the workgroup, in a fixed order. Each sum has two parts, see compensated.wgsl; `Pairs` holds the high
// parts, then the low ones. Subgroups, if available, add by shuffles; their sums are then added in workgroup memory.
// Lanes of a subgroup are adjacent if a workgroup is one row.
alias Sums = <%= k.sums === 1 ? 'f32' : 'vec2<f32>' %>;
alias Pairs = <%= type %>;
<% if (!k.single && k.subgroup !== k.workgroup) { %>
var<workgroup> partials: array<<%= type %>, WORKGROUP<% if (k.subgroup) { %> / <%= k.subgroup %>u<% } %>>;
<% } %>

const LARGEST = 3.4028234e38;

fn added(a: Pairs, b: Pairs) -> Pairs {
  let sum = roundedSums(<%= highA %> + <%= highB %>);
  return Pairs(sum, <%= lowA %> + <%= lowB %> + errorSums(<%= highA %>, <%= highB %>, sum));
}
<% if (k.vector) { %>

// The sum of the four parts of a Value.
fn addedUp(x: Pairs, y: Pairs, z: Pairs, w: Pairs) -> Pairs {
  return added(added(x, y), added(z, w));
}
<% } %>

// An infinite sum has an error of NaN, which must not reach the result.
fn settled(value: Pairs) -> Pairs {
  return Pairs(<%= high %>, select(<%= low %>, Sums(), abs(<%= high %>) > Sums(LARGEST)));
}

fn total(value: Pairs, lane: u32) -> Pairs {
<% if (k.single) { %>
  return settled(value);
<% } else if (k.subgroup) { %>
  var sum = value;
<%   for (let half = k.subgroup / 2; half >= 1; half /= 2) { %>
  sum = added(sum, subgroupShuffleXor(sum, <%= half %>u));
<%   } %>
<%   if (k.subgroup === k.workgroup) { %>
  return settled(sum);
<%   } else { %>
  if (lane % <%= k.subgroup %>u == 0u) { partials[lane / <%= k.subgroup %>u] = sum; }
  workgroupBarrier();
  sum = partials[0];
  for (var i = 1u; i < WORKGROUP / <%= k.subgroup %>u; i++) { sum = added(sum, partials[i]); }
  // The next sum must not overwrite partials that other invocations have yet to read.
  workgroupBarrier();
  return settled(sum);
<%   } %>
<% } else { %>
  partials[lane] = value;
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partials[lane] = added(partials[lane], partials[lane + half]); }
    workgroupBarrier();
  }
  return settled(workgroupUniformLoad(&partials[0]));
<% } %>
}

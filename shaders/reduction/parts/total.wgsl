// The sum of a slice from those of the invocations that share it. The terms in a Value of a row are added first.
alias Total = <%= k.fold ? 'f32' : 'Value' %>;
<% if (k.across > 1) { %>

var<workgroup> partials: array<Total, WORKGROUP>;
<% } %>

fn totalOf(sum: Value, lane: u32) -> Total {
<% if (k.fold) { %>
  let own = (sum.x + sum.y) + (sum.z + sum.w);
<% } else { %>
  let own = sum;
<% } %>
<% if (k.across > 1) { %>
  partials[lane] = own;
  workgroupBarrier();
  for (var half = ACROSS / 2u; half > 0u; half /= 2u) {
    if (lane % ACROSS < half) { partials[lane] += partials[lane + half]; }
    workgroupBarrier();
  }
  let total = partials[lane / ACROSS * ACROSS];
  // The next sum must not overwrite partials that other invocations have yet to read.
  workgroupBarrier();
  return total;
<% } else { %>
  return own;
<% } %>
}

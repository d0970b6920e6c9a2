// The sum of a slice from those of the invocations that share it: a tree in workgroup memory. The four terms in a Value
// of a row are added first.
alias Total = <%= k.fold ? 'f32' : 'Value' %>;
alias TotalBits = <%= k.fold ? 'u32' : 'Bits' %>;
const RUN = 32u;
<% if (k.across > 1) { %>
var<workgroup> partials: array<Total, WORKGROUP>;
<% } %>

fn totalOf(sum: Value, lane: u32) -> Total {
<% if (k.fold) { %>
  let own = (sum.x + sum.y) + (sum.z + sum.w);
<% } else { %>
  let own = sum;
<% } %>
<%~ include('/reduction/parts/tree.wgsl', { ...k, joined: 'partials[lane] + partials[lane + half]' }) %>
}

// The sum of a slice from those of the invocations that share it. The four terms in a Value of a row are added first.
const RUN = 32u;
<% if (k.across > 1) { %>
var<workgroup> sums: array<Result, WORKGROUP>;
<% } %>

fn totalOf(sum: Value, lane: u32) -> Result {
  let own = <%= k.fold ? '(sum.x + sum.y) + (sum.z + sum.w)' : 'sum' %>;
<%~ include('/reduction/parts/tree.wgsl', { ...k, partials: 'sums', joined: 'sums[lane] + sums[lane + half]' }) %>
}

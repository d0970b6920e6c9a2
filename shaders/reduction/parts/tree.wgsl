<%
// Given as text: joined, the partial results at lane and lane + half as one.
%>
<% if (k.across > 1) { %>
  partials[lane] = own;
  workgroupBarrier();
  for (var half = ACROSS / 2u; half > 0u; half /= 2u) {
    if (lane % ACROSS < half) { partials[lane] = <%= k.joined %>; }
    workgroupBarrier();
  }
  let all = partials[lane / ACROSS * ACROSS];
  // The next results must not overwrite those that other invocations have yet to read.
  workgroupBarrier();
  return all;
<% } else { %>
  return own;
<% } %>

<%
// Given as text: partials, an array in workgroup memory; joined, its values at lane and lane + half as one.
%>
<% if (k.across > 1) { %>
  // A tree over the invocations that share a slice.
  <%= k.partials %>[lane] = own;
  workgroupBarrier();
  for (var half = ACROSS / 2u; half > 0u; half /= 2u) {
    if (lane % ACROSS < half) { <%= k.partials %>[lane] = <%= k.joined %>; }
    workgroupBarrier();
  }
  let all = <%= k.partials %>[lane / ACROSS * ACROSS];
  // The next values must not overwrite those that other invocations have yet to read.
  workgroupBarrier();
  return all;
<% } else { %>
  return own;
<% } %>

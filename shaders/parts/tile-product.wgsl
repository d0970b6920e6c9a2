<%
const range = (n) => [...Array(n).keys()];
%>
// sum0 to sum7 += tileA · tileB: an invocation's rows, each a vector of its columns.
    workgroupBarrier();
    for (var q = 0u; q < QUADS; q++) {
<% for (const d of range(4)) { %>
      let b<%= d %> = tileB[(q * 4u + <%= d %>u) * ACROSS + x];
<% } %>
<% for (const r of range(8)) { %>
      let a<%= r %> = tileA[(y + <%= r %>u * HIGH) * QUADS + q];
      sum<%= r %> += a<%= r %>.x * b0 + a<%= r %>.y * b1 + a<%= r %>.z * b2 + a<%= r %>.w * b3;
<% } %>
    }
    workgroupBarrier();

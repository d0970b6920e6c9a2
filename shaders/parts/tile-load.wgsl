<%
// Given as text: vector (A at row and depth to depth + 3; undefined: A is loaded one by one), scalar (A at row and depth).
const range = (n) => [...Array(n).keys()];
%>
// Fills tileA from row0 and depth0 on: two vectors an invocation, neighbours along the depth.
<% for (const i of range(2)) { %>
    {
      let row = row0 + lane / QUADS + <%= 32 * i %>u;
      let first = depth0 + lane % QUADS * 4u;
      var value = vec4<f32>();
      if (row < rows) {
<% if (k.vector) { %>
        let depth = first;
        if (depth < lastDepth) {
          value = <%= k.vector %>;
        }
<% } else for (const c of range(4)) { %>
        if (first + <%= c %>u < lastDepth) {
          let depth = first + <%= c %>u;
          value[<%= c %>] = <%= k.scalar %>;
        }
<% } %>
      }
      tileA[lane + <%= i %>u * INVOCATIONS] = value;
    }
<% } %>

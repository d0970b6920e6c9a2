<%
// Given as text: array (that contains A), place (of A at row and depth), vector (whether A is loaded in vectors of 4
// along the depth, else one by one).
const range = (n) => [...Array(n).keys()];
%>
// Fills tileA from row0 and depth0 on: two vectors per invocation, adjacent along the depth. Without branches: elements
// outside load the first element, and become 0.
<% for (const i of range(2)) { %>
    {
      let row = row0 + lane / QUADS + <%= 32 * i %>u;
      let first = depth0 + lane % QUADS * 4u;
<% if (k.vector) { %>
      let depth = first;
      let inside = (row < rows) & (depth < lastDepth);
      let place = select(0u, (<%= k.place %>) / 4u, inside);
      tileA[lane + <%= i %>u * INVOCATIONS] = select(vec4<f32>(), vec4<f32>(<%= k.array %>[place]), inside);
<% } else { %>
<%   for (const c of range(4)) { %>
      var value<%= c %>: f32;
      {
        let depth = first + <%= c %>u;
        let inside = (row < rows) & (depth < lastDepth);
        value<%= c %> = select(0.0, f32(<%= k.array %>[select(0u, <%= k.place %>, inside)]), inside);
      }
<%   } %>
      tileA[lane + <%= i %>u * INVOCATIONS] = vec4<f32>(value0, value1, value2, value3);
<% } %>
    }
<% } %>

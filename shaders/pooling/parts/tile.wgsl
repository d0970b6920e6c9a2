<%
// Given: the constants of backward. The positions of the windows that touch a tile.
const offset = (n) => (n < 0 ? `- ${-n}u` : `+ ${n}u`);
const label = (n) => (n < 0 ? `Before${-n}` : `${n}`);
%>
  // The windows before the first one wrap around to values that are too large.
<% for (const a of k.windowRows) { %>
  let row<%= label(a) %> = y / STRIDE.y <%= offset(a) %>;
<% } %>
<% for (const b of k.windowColumns) { %>
  let column<%= label(b) %> = x / STRIDE.x <%= offset(b) %>;
<% } %>

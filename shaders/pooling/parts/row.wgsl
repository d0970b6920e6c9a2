<%
// Given: row, and the constants of forward, see max-pool-forward.wgsl.
const range = (n) => [...Array(n).keys()];
const type = (name, floats) => (floats === 1 ? name : `vec${floats}<${name}>`);
// With vectors: columns that lie in the padding at the left edge, and elsewhere at the end of a vector.
const before = k.inVector > 1 ? range(k.paddingWidth) : [];
const vectors = k.inVector > 1 ? k.inputColumns.filter((j) => j >= k.paddingWidth && (j - k.paddingWidth) % k.inVector === 0) : [];
const i = k.row;
%>
<% for (const j of vectors) { %>
    let part<%= i %>_<%= j %> = <%= type('f32', k.inVector) %>(input[(plane + row<%= i %> + min(column<%= j %>, params.width - <%= k.inVector %>u)) / <%= k.inVector %>u]);
<%   for (const v of range(k.inVector)) { %>
    let value<%= i %>_<%= j + v %> = part<%= i %>_<%= j %>[<%= v %>];
<%   } } %>
<% for (const j of before) { %>
    let value<%= i %>_<%= j %> = select(f32(input[(plane + row<%= i %> + column<%= j %>) / <%= k.inVector %>u][<%= (k.inVector * k.paddingWidth + j - k.paddingWidth) % k.inVector %>]), value<%= i %>_<%= k.paddingWidth %>, x == 0u);
<% } %>
<% if (k.inVector === 1) for (const j of k.inputColumns) { %>
    let value<%= i %>_<%= j %> = f32(input[plane + row<%= i %> + column<%= j %>]);
<% } %>

<%
// Given: as for window-start.wgsl.
const range = (n) => [...Array(n).keys()];
%>
<% for (const r of range(k.kept)) for (const c of k.columns) { %>
    x<%= r %>_<%= c %> = x<%= r + k.shift %>_<%= c %>;
<% } %>
<% for (const r of range(k.tapRows)) if (r >= k.kept) { %>
    let row<%= r %> = inRow + <%= r %> * dilation;
<%~ include('/conv2d/parts/input-row.wgsl', { row: `New${r}`, start: `(plane + row${r} * width + inColumn0)`, inside: `u32(row${r}) < params.inHeight` }) %>
<% for (const c of k.columns) { %>
    x<%= r %>_<%= c %> = xNew<%= r %>_<%= c %>;
<% } } %>

<%
// Given: the values of Window and of its lists (depthwise-walk.ts), and those of input-row.wgsl. In the shader: plane
// (of the input), inRow (under the first output of the walk), inColumn0, width.
const range = (n) => [...Array(n).keys()];
%>
// The rows of the input under the taps; first those that the walk's first output shares with one before it.
<% for (const { first } of k.loads) { %>
  let inside<%= first %> = u32(inColumn0 + <%= first %>) < params.inWidth;
<% } %>
<% for (const r of range(k.tapRows)) for (const c of k.columns) { %>
  var x<%= r %>_<%= c %> = 0.0;
<% } %>
<% if (k.kept > 0) { %>
  for (var i = 0; i < <%= k.kept %>; i++) {
    let row = inRow + i * dilation;
<% for (const r of range(k.tapRows - 1)) for (const c of k.columns) { %>
    x<%= r %>_<%= c %> = x<%= r + 1 %>_<%= c %>;
<% } %>
<%~ include('/conv2d/parts/input-row.wgsl', { row: 'Next', start: '(plane + row * width + inColumn0)', inside: 'u32(row) < params.inHeight' }) %>
<% for (const c of k.columns) { %>
    x<%= k.tapRows - 1 %>_<%= c %> = xNext_<%= c %>;
<% } %>
  }
<% } %>

<%
// Given: row (suffix of the declared names), start (index of its first column), inside (whether the row lies in the
// input), loads (see input-loads.ts), inVector; texels or half where the shader has them.
const type = (floats) => (floats === 1 ? 'f32' : `vec${floats}<f32>`);
const range = (n) => [...Array(n).keys()];
// The index is 0 in the padding, which prevents reads beyond the array.
const loaded = ({ first, floats, component }) => {
  const index = `u32(select(0, ${k.start} + ${first}, readx${k.row}_${first}))`;
  if (k.texels) return `texelAt(input, (${index}) / 4u)${floats === 1 ? `[${component}]` : ''}`;
  if (k.inVector > 1 && floats === 1) return `inputAt(${index})`;
  const stored = floats === 1 ? `input[${index}]` : `input[${index} / ${floats}u]`;
  return k.half ? `${type(floats)}(${stored})` : stored;
};
%>
<% for (const load of k.loads) { const { first, floats } = load; %>
    let readx<%= k.row %>_<%= first %> = <%= k.inside %> && inside<%= first %>;
<% if (floats === 1) { %>
    let x<%= k.row %>_<%= first %> = select(0.0, <%= loaded(load) %>, readx<%= k.row %>_<%= first %>);
<% } else { %>
    let vx<%= k.row %>_<%= first %> = select(<%= type(floats) %>(), <%= loaded(load) %>, readx<%= k.row %>_<%= first %>);
<% for (const i of range(floats)) { %>
    let x<%= k.row %>_<%= first + i %> = vx<%= k.row %>_<%= first %>[<%= i %>];
<% } } } %>

<%
// Given: window row a, load { first, floats, component }, and the constants of backward, see max-pool-backward.wgsl.
// Loads the gradients of these windows: 0 for windows that do not exist.
const label = (n) => (n < 0 ? `Before${-n}` : `${n}`);
const [row, name] = [label(k.a), `${label(k.a)}_${label(k.load.first)}`];
const column = label(k.load.first);
const type = k.load.floats === 1 ? 'f32' : `vec${k.load.floats}<f32>`;
%>
    let inside<%= name %> = (row<%= row %> < params.outHeight) & (column<%= column %> < params.outWidth);
    let at<%= name %> = select(0u, windows + row<%= row %> * params.outWidth + column<%= column %>, inside<%= name %>)<%= k.inVector > 1 ? ` / ${k.inVector}u` : '' %>;
    let grad<%= name %> = select(<%= type %>(), outputGrad[at<%= name %>]<%= k.load.floats < k.inVector ? `[${k.load.component}]` : '' %>, inside<%= name %>);

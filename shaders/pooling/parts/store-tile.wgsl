<%
// Given: the constants of backward. Stores sum{row}_{column} of each pixel of the tile.
const range = (n) => [...Array(n).keys()];
%>
<% for (const i of range(k.rows)) for (let j = 0; j < k.columns; j += k.outVector) { const sums = range(k.outVector).map((v) => `sum${i}_${j + v}`); %>
    if ((y + <%= i %>u < params.height) & (x + <%= j %>u < params.width)) { inputGrad[(first + <%= i %>u * params.width + <%= j %>u)<%= k.outVector > 1 ? ` / ${k.outVector}u` : '' %>] = <%= k.outVector > 1 ? `vec${k.outVector}<f32>(${sums.join(', ')})` : sums[0] %>; }
<% } %>

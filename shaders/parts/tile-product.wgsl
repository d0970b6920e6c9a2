// A product C[rows, columns] = A[rows, depth] · B[depth, columns] whose operands are never laid out in memory. A workgroup
// of 16×16 invocations computes a tile of 64×64; it brings slices of 16 of the depth into workgroup memory (8 KiB), which
// all its invocations then read; each keeps 4×4 sums in registers. Neighbouring invocations load neighbouring addresses.
//
// Body of main, after it has set rows, columns, firstDepth, lastDepth and column0. Given as text: `a` and `b`, the operands
// at (row, depth) and (depth, column); `output` and `place`, where the sum of (row, column) goes, and `value`, what goes there if
// it is not sums[r][c] as it is; and along which of B's axes, 'columns' or 'depth', neighbours are neighbours in memory.
  let row0 = group.y * TILE;
  var sums: array<array<f32, 4>, 4>;
  for (var depth0 = firstDepth; depth0 < lastDepth; depth0 += DEPTH) {
    for (var i = lane; i < TILE * DEPTH; i += INVOCATIONS) {
      let depth = depth0 + i % DEPTH;
      let row = row0 + i / DEPTH;
      var value = 0.0;
      if (row < rows && depth < lastDepth) {
        value = <%= k.a %>;
      }
      tileA[i % DEPTH * TILE + i / DEPTH] = value;
    }
    for (var i = lane; i < TILE * DEPTH; i += INVOCATIONS) {
<% if (k.neighbours === 'columns') { %>
      let depth = depth0 + i / TILE;
      let column = column0 + i % TILE;
<% } else { %>
      let depth = depth0 + i % DEPTH;
      let column = column0 + i / DEPTH;
<% } %>
      var value = 0.0;
      if (column < columns && depth < lastDepth) {
        value = <%= k.b %>;
      }
<% if (k.neighbours === 'columns') { %>
      tileB[i] = value;
<% } else { %>
      tileB[i % DEPTH * TILE + i / DEPTH] = value;
<% } %>
    }
    workgroupBarrier();
    for (var d = 0u; d < DEPTH; d++) {
      for (var r = 0u; r < 4u; r++) {
        let a = tileA[d * TILE + local.y * 4u + r];
        for (var c = 0u; c < 4u; c++) {
          sums[r][c] += a * tileB[d * TILE + local.x * 4u + c];
        }
      }
    }
    workgroupBarrier();
  }
  for (var r = 0u; r < 4u; r++) {
    for (var c = 0u; c < 4u; c++) {
      let row = row0 + local.y * 4u + r;
      let column = column0 + local.x * 4u + c;
      if (row < rows && column < columns) {
        let place = <%= k.place %>;
        <%= k.output %>[place] = <%= k.value ?? 'sums[r][c]' %>;
      }
    }
  }

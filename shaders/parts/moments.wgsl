<%
const range = (n) => [...Array(n).keys()];
// Given: run, vector, workgroup, subgroup; single, if an invocation takes moments of its own.
%>
// Mean and sum of squared distances from it, of `parts` times `length` Values of the input. A part begins `stride`
// after the one before it.
//
// An invocation takes every LANES-th Value, RUN of them at a time, in registers. It computes their mean, rounded to
// `center`, and the sums of the distances from it (`rest`) and of their squares. `rest` gives the rounding error of the
// center. The run is then merged into earlier runs (Chan, Golub and LeVeque 1979), which loses no digits if the mean is
// large. Last, the squares of all invocations are shifted to the common mean.
//
// Sums have two parts, with their rounding errors: the mean of equal values is exactly that value. Squares are never
// negative, so their sum in runs, parts and a tree is right to an ulp.
<%~ include('/parts/compensated.wgsl', { types: { Value: k.vector ? 4 : 1, Sums: 1 } }) %>
<%~ include('/parts/total.wgsl', { ...k, sums: 1 }) %>
<%~ include('/parts/quotients.wgsl') %>

// Invocations that share moments.
const LANES = <%= k.single ? '1u' : 'WORKGROUP' %>;

struct Moments { mean: Pairs, squares: Pairs }

fn totalOf(sum: Value, low: Value, lane: u32) -> Pairs {
<% if (k.vector) { %>
  return total(addedUp(<%= ['x', 'y', 'z', 'w'].map((part) => `Pairs(sum.${part}, low.${part})`).join(', ') %>), lane);
<% } else { %>
  return total(Pairs(sum, low), lane);
<% } %>
}

alias Bits = <%= k.vector ? 'vec4<u32>' : 'u32' %>;

// The first 21 binary digits of a value; their product with an integer up to 8 is exact.
fn coarse(value: Value) -> Value {
  return bitcast<Value>(bitcast<Bits>(value) & Bits(0xfffffff8u));
}

// `count` is the number of elements.
fn moments(first: u32, stride: u32, parts: u32, length: u32, count: f32, lane: u32) -> Moments {
  // Means are measured from this origin: values far from 0 keep more digits.
  let origin = input[first];
  // This invocation's totals so far: number of Values, sum, mean, and sum of squared distances from the mean.
  var seen = 0.0;
  var sum = Value();
  var sumLow = Value();
  var mean = Value();
  var squares = Value();
  var squaresLow = Value();
  for (var part = 0u; part < parts; part++) {
    let start = first + part * stride;
    let end = start + length;
    var partSquares = Value();
    for (var i = start + lane; i < end; i += LANES * RUN) {
<% for (const j of range(k.run)) { %>
      var value<%= j %> = Value();
<%   if (j === 0) { %>
      value0 = input[i];
<%   } else { %>
      let inside<%= j %> = i + <%= j %>u * LANES < end;
      if (inside<%= j %>) { value<%= j %> = input[i + <%= j %>u * LANES]; }
<%   } %>
<% } %>
      let size = f32(min((end - i + LANES - 1u) / LANES, RUN));
      let center = (<%= range(k.run).map((j) => `value${j}`).join(' + ') %>) * (1.0 / size);
      var rest = Value();
      var runSquares = Value();
<% for (const j of range(k.run)) { %>
      let distance<%= j %> = <% if (j === 0) { %>value0 - center<% } else { %>select(Value(), value<%= j %> - center, inside<%= j %>)<% } %>;
      rest += distance<%= j %>;
      runSquares += distance<%= j %> * distance<%= j %>;
<% } %>
      // The run's sum is size * center + rest.
      let near = coarse(center);
      addTo(&sum, &sumLow, near * size);
      sumLow += (center - near) * size + rest;
      let off = rest / size;
      let apart = ((center - origin) - mean) + off;
      let share = size / (seen + size);
      mean += apart * share;
      partSquares += (runSquares - rest * off) + apart * apart * (seen * share);
      seen += size;
    }
    addTo(&squares, &squaresLow, partSquares);
    // The low part must stay small, or it is rounded. It is NaN for an infinite sum.
    let low = select(sumLow, Value(), abs(sum) > Value(LARGEST));
    sumLow = Value();
    addTo(&sum, &sumLow, low);
  }
  let all = totalOf(sum, sumLow, lane);
  let center = quotient(all, count);
  let apart = mean - ((center.x - origin) + center.y);
  addTo(&squares, &squaresLow, apart * (apart * seen));
  let allSquares = totalOf(squares, squaresLow, lane);
  return Moments(center, allSquares);
}

<%
// Given: types, their names with the number of f32 in each. Value is one of them.
%>
// Sums with their rounding errors. The error of a rounded a + b is an f32 itself (Møller 1965; Knuth, The Art of
// Computer Programming, 4.2.2), so sum and error together are exact.
//
// By algebra the error is 0, and WGSL allows algebraic simplification: Mesa's compiler does it, Metal's fast math may.
// So each rounded value is combined by exclusive or with a uniform that is 0. No compiler can know that value.
<% for (const [type, width] of Object.entries(k.types)) { %>
<%   const bits = width === 1 ? 'u32' : `vec${width}<u32>`; %>
fn rounded<%= type %>(value: <%= type %>) -> <%= type %> {
  return bitcast<<%= type %>>(bitcast<<%= bits %>>(value) ^ <%= bits %>(params.zero));
}

// a + b - sum, where sum is a + b rounded.
fn error<%= type %>(a: <%= type %>, b: <%= type %>, sum: <%= type %>) -> <%= type %> {
  let part = rounded<%= type %>(sum - a);
  return (a - (sum - part)) + (b - part);
}
<% } %>

// Adds to a sum in two parts: `high` is rounded, `low` collects the errors.
fn addTo(high: ptr<function, Value>, low: ptr<function, Value>, term: Value) {
  let sum = roundedValue(*high + term);
  *low += errorValue(*high, term, sum);
  *high = sum;
}

<%
// Given: weight and posWeight, whether there are such tensors; weightTerms and posWeightTerms, how many dimensions of
// the input each moves along; terms, how many a tensor can have.
const factor = (name) =>
  k[name]
    ? `${name}[${Array.from({ length: k[`${name}Terms`] }, (_, d) => `i / params.${name}Divide${d} % params.${name}Extent${d} * params.${name}Stride${d}`).join(' + ') || '0u'}]`
    : '1.0';
%>
// Weights are broadcast to the input: of element i, the place along a dimension is i / divide % extent.
fn weightAt(i: u32) -> f32 { return <%= factor('weight') %>; }
fn posWeightAt(i: u32) -> f32 { return <%= factor('posWeight') %>; }

// log(1 + e) for e in 0 .. 1, right to about an ulp also for a small e: 2 artanh(e / (2 + e)) as a series.
fn log1p(e: f32) -> f32 {
  let s = e / (2.0 + e);
  let q = s * s;
  let series = 1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q / 13.0))));
  return 2.0 * (s + s * q * series);
}

// -log sigmoid(x) = log(1 + exp(-x)), without overflow.
fn lossOfOne(x: f32) -> f32 {
  return log1p(exp(-abs(x))) + max(-x, 0.0);
}

fn sigmoid(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

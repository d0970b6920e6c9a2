// Quotients and inverse square roots of values in two parts (see total.wgsl), accurate to half an ulp. WGSL allows
// errors of 2.5 ulps for a quotient and more for a root.

// The first 12 binary digits of a value. Products of these, and of the remaining 12, are exact.
fn upper(value: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(value) & 0xfffff000u);
}

// a * b in two parts (Dekker 1971).
fn product(a: f32, b: f32) -> Pairs {
  let high = roundedSums(a * b);
  let a0 = upper(a);
  let b0 = upper(b);
  let a1 = a - a0;
  let b1 = b - b0;
  return Pairs(high, a1 * b1 - (((high - a0 * b0) - a1 * b0) - a0 * b1));
}

// dividend / divisor in two parts: a quotient, and the quotient of its remainder.
fn quotient(dividend: Pairs, divisor: f32) -> Pairs {
  let first = dividend.x / divisor;
  let nearer = first + remainder(dividend, product(first, divisor)) / divisor;
  let high = select(nearer, first, abs(first) > LARGEST);
  return settled(Pairs(high, remainder(dividend, product(high, divisor)) / divisor));
}

fn remainder(dividend: Pairs, taken: Pairs) -> f32 {
  return (dividend.x - taken.x) - taken.y + dividend.y;
}

// 1 / sqrt(value), with a step of Newton's method. A root of 0 or infinity skips it.
fn inverseRoot(value: Pairs) -> f32 {
  let first = 1.0 / sqrt(value.x);
  let square = product(first, first);
  let nearOne = product(value.x, square.x);
  let lack = ((1.0 - nearOne.x) - nearOne.y) - (value.x * square.y + value.y * square.x);
  return first + select(0.0, 0.5 * first * lack, abs(lack) < 0.5);
}

<%
// Given: used(name), whether the expression calls a function. WGSL has no error function; its pow takes no negative base,
// its tanh may lose all digits near 0, its log those near 1, and its clamp a NaN.
const errorFunction = k.used('erf') || k.used('normalCdf');
const exponential = k.used('expOf') || k.used('logistic');
%>
<% if (k.used('clampOf')) { %>
// x between low and high; high if they are the wrong way round. NaN stays.
fn clampOf(x: f32, low: f32, high: f32) -> f32 {
  let above = select(x, low, x < low);
  return select(above, high, above > high);
}
<% } %>
<% if (exponential) { %>
// exp(x); NaN stays, which SwiftShader's exp loses.
fn expOf(x: f32) -> f32 {
  return select(exp(x), x, isNan(x));
}
<% } %>
<% if (k.used('logistic')) { %>
fn logistic(x: f32) -> f32 {
  return 1.0 / (1.0 + expOf(-x));
}
<% } %>
<% if (k.used('logOf')) { %>
// log(x), to 3 ulps: near 1 by the series of 2 artanh((x - 1) / (x + 1)).
fn logOf(x: f32) -> f32 {
  if (isNan(x) || x > 3.4028234e38) { return x; }
  // Variables, as compilers refuse constants that are not finite.
  var nan = 0x7fc00000u;
  var least = 0xff800000u;
  let s = (x - 1.0) / (x + 1.0);
  let square = s * s;
  let near = 2.0 * s + 2.0 * s * square * (0.333333333 + square * (0.2 + square * (0.142857143 + square * 0.111111111)));
  let inside = select(log(x), near, abs(x - 1.0) < 0.25);
  return select(select(inside, bitcast<f32>(least), x == 0.0), bitcast<f32>(nan), x < 0.0);
}
<% } %>
<% if (k.used('geluInner')) { %>
// The argument of tanh in gelu's approximation: sqrt(2 / pi) * (x + 0.044715 * x^3).
fn geluInner(x: f32) -> f32 {
  return 0.797884561 * (x + 0.044715 * x * x * x);
}
<% } %>
<% if (k.used('geluSlope')) { %>
// The slope of the approximation at x, where tanh has the value t.
fn geluSlope(x: f32, t: f32) -> f32 {
  return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * 0.797884561 * (1.0 + 0.134145 * x * x);
}
<% } %>
<% if (k.used('isNan') || k.used('power') || k.used('logOf') || exponential) { %>
// By its bits, as compilers may assume that there is no NaN.
fn isNan(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
}
<% } %>
<% if (errorFunction) { %>
// 2 / sqrt(pi) times the integral of exp(-t * t) from 0 to x, to 3 ulps: polynomials for erf(x) / x in x * x, and for
// log(1 - erf(x)) from 1 on, fitted at Chebyshev's nodes.
fn erf(x: f32) -> f32 {
  let t = min(abs(x), 4.0);
  let s = t * t;
  let near = t * (1.12837917 + s * (-0.376126269 + s * (0.112835975 + s * (-0.0268543288
    + s * (0.00518931194 + s * (-0.000801885499 + s * 7.88249711e-5))))));
  let far = 1.0 - exp(0.000303212973 + t * (-1.13016668 + t * (-0.631937094 + t * (-0.109978245
    + t * (0.0263647174 + t * (-0.00474022234 + t * (0.000592769538 + t * (-4.55906225e-5 + t * 1.6140616e-6))))))));
  let size = select(far, near, t < 1.0);
  // A comparison with NaN is false.
  return select(select(x, -size, x < 0.0), size, x >= 0.0);
}
<% } %>
<% if (k.used('normalCdf')) { %>
// The share of the standard normal distribution below x.
fn normalCdf(x: f32) -> f32 {
  return 0.5 * (1.0 + erf(x * 0.707106781));
}
<% } %>
<% if (k.used('tanhOf')) { %>
// Hyperbolic tangent, to 3 ulps: a polynomial near 0, and 1 - 2 / (exp(2 x) + 1) elsewhere.
fn tanhOf(x: f32) -> f32 {
  let s = x * x;
  let near = x + x * s * (-0.333333332 + s * (0.133333134 + s * (-0.0539616686 + s * (0.0217892041
    + s * (-0.00841282193 + s * 0.002373786)))));
  let far = 1.0 - 2.0 / (exp(2.0 * min(abs(x), 20.0)) + 1.0);
  return select(select(near, -far, x < -0.6), far, x > 0.6);
}
<% } %>
<% if (k.used('power')) { %>
const LARGEST = 3.4028234e38;

// x to the power y as in C. Whole exponents up to 64 by multiplications, as 2^(y * log2(x)) loses digits.
fn power(x: f32, y: f32) -> f32 {
  let whole = y == floor(y);
  if (whole && abs(y) <= 64.0) {
    var result = 1.0;
    var square = x;
    for (var bits = u32(abs(y)); bits > 0u; bits >>= 1u) {
      if ((bits & 1u) == 1u) { result *= square; }
      square *= square;
    }
    return select(result, 1.0 / result, y < 0.0);
  }
  // Variables, as compilers refuse constants that are not finite.
  var infinity = 0x7f800000u;
  var nan = 0x7fc00000u;
  let unbounded = abs(y) > LARGEST;
  if (x == 1.0 || (x == -1.0 && unbounded)) { return 1.0; }
  if (isNan(x) || isNan(y)) { return bitcast<f32>(nan); }
  if (x == 0.0 || abs(x) > LARGEST || unbounded) {
    return select(0.0, bitcast<f32>(infinity), (abs(x) > 1.0) == (y > 0.0));
  }
  // A negative base has a real power only if the exponent is whole.
  if (x < 0.0 && !whole) { return bitcast<f32>(nan); }
  if (abs(y) == 0.5) { return select(1.0 / sqrt(x), sqrt(x), y > 0.0); }
  let odd = whole && abs(y) < 16777216.0 && (i32(y) & 1) == 1;
  let size = exp2(y * log2(abs(x)));
  return select(size, -size, odd && x < 0.0);
}
<% } %>

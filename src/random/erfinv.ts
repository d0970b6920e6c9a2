/**
 * erfinv in single precision, to torch's bits. torch 1.13 computes it for one value after the other (ATen/native/Math.h,
 * `calc_erfinv`: G. Pavlis, 1996): a rational approximation, then two steps of Newton's method on erf. Its AVX2 build fuses
 * products and sums where it can; logarithm, exponential and erf are those of the C library. All of it is done here as there,
 * rounding by rounding.
 *
 * Sources: ATen/native/Math.h; glibc 2.36's erff, from Sun's fdlibm (s_erff.c); logf and expf of Arm's optimized routines
 * (S. Nagy, 2017), which glibc has.
 */
const { fround, sqrt, abs } = Math;
const asFloat = new Float32Array(1);
const asBits = new Uint32Array(asFloat.buffer);

/** Up to this, the approximation is in y². */
const CENTRAL = fround(0.7);
/** Rational approximations, the highest power first: near 0 of erfinv(y) / y in y², else of erfinv(y) in √(-ln((1 - |y|) / 2)). */
const CENTRAL_TOP = floats([-0.140543331, 0.914624893, -1.645349621, 0.886226899]);
const CENTRAL_BOTTOM = floats([0.012229801, -0.329097515, 1.442710462, -2.118377725, 1]);
const TAIL_TOP = floats([1.641345311, 3.429567803, -1.624906493, -1.970840454]);
const TAIL_BOTTOM = floats([1.6370678, 3.5438892, 1]);
/** The slope of erf at 0. */
const SLOPE = fround(2 / fround(sqrt(Math.PI)));

/** torch's `erfinv` of a float32 from -1 to 1, infinite at both. */
export function erfinv(y: number): number {
  const size = abs(y);
  if (!(size < 1)) return size === 1 ? y * Number.POSITIVE_INFINITY : Number.NaN;
  let x: number;
  if (size <= CENTRAL) {
    const z = fround(y * y);
    x = fround(fround(y * fused(CENTRAL_TOP, z)) / fused(CENTRAL_BOTTOM, z));
  } else {
    const z = fround(sqrt(-log(fround(fround(1 - size) / 2))));
    x = fround((Math.sign(y) * fused(TAIL_TOP, z)) / fused(TAIL_BOTTOM, z));
  }
  return newton(newton(x, y), y);
}

function newton(x: number, y: number): number {
  const slope = fround(SLOPE * exp(fround(-x * x)));
  return fround(x - fround(fround(erf(x) - y) / slope));
}

/**
 * A polynomial, each product and sum rounded once. The sum is rounded to double before, which changes the result for none of
 * the 2²⁴ values of y that torch draws.
 */
function fused(coefficients: Float32Array, z: number): number {
  let sum = coefficients[0]!;
  for (let i = 1; i < coefficients.length; i++) sum = fround(sum * z + coefficients[i]!);
  return sum;
}

/**
 * A polynomial as glibc's erff evaluates it, the lowest power first: pairs c₀ + c₁·z, times powers of z², summed from the lowest,
 * each product and each sum rounded.
 */
function paired(coefficients: Float32Array, z: number): number {
  const square = fround(z * z);
  const fourth = fround(square * square);
  const powers = [1, square, fourth, fround(fourth * square), fround(fourth * fourth)];
  let sum = 0;
  for (let i = 0; i < coefficients.length; i += 2) {
    const [low, high] = [coefficients[i]!, coefficients[i + 1]];
    const pair = high === undefined ? low : fround(low + fround(z * high));
    sum = i === 0 ? pair : fround(sum + fround(powers[i / 2]! * pair));
  }
  return sum;
}

/** erf by intervals of |x|, the lowest power first. */
const SMALL_TOP = floats([1.2837916613e-1, -3.2504209876e-1, -2.8481749818e-2, -5.770270247e-3, -2.3763017452e-5]);
const SMALL_BOTTOM = floats([
  ...[1, 3.9791721106e-1, 6.50222525e-2, 5.0813062117e-3, 1.3249473704e-4, -3.9602282413e-6],
]);
const AT_1 = fround(8.4506291151e-1);
const MIDDLE_TOP = floats([
  ...[-2.3621185683e-3, 4.1485610604e-1, -3.7220788002e-1, 3.1834661961e-1, -1.1089469492e-1, 3.5478305072e-2],
  -2.1663755178e-3,
]);
const MIDDLE_BOTTOM = floats([
  ...[1, 1.0642088205e-1, 5.4039794207e-1, 7.1828655899e-2, 1.2617121637e-1, 1.3637083583e-2, 1.1984500103e-2],
]);
const LARGE_TOP = floats([
  ...[-9.8649440333e-3, -6.938585639e-1, -1.0558626175e1, -6.2375331879e1, -1.6239666748e2, -1.8460508728e2],
  ...[-8.1287437439e1, -9.8143291473],
]);
const LARGE_BOTTOM = floats([
  ...[1, 1.965127182e1, 1.3765776062e2, 4.3456588745e2, 6.4538726807e2, 4.2900814819e2, 1.0863500214e2],
  ...[6.5702495575, -6.0424413532e-2],
]);
const LARGEST_TOP = floats([
  ...[-9.864943102e-3, -7.9928326607e-1, -1.7757955551e1, -1.6063638306e2, -6.3756646729e2, -1.0250950928e3],
  -4.8351919556e2,
]);
const LARGEST_BOTTOM = floats([
  ...[1, 3.0338060379e1, 3.2579251099e2, 1.5367296143e3, 3.1998581543e3, 2.553050293e3, 4.7452853394e2],
  -2.2440952301e1,
]);
/** Where the coefficients for large |x| end: about 1 / 0.35. */
const LARGEST_FROM = bitsToFloat(0x4036db6e);

/** erff of glibc for |x| from 2⁻²⁸ to 6, and 0. */
function erf(x: number): number {
  const size = abs(x);
  if (size < 0.84375) {
    const z = fround(x * x);
    return fround(x + fround(x * fround(paired(SMALL_TOP, z) / paired(SMALL_BOTTOM, z))));
  }
  return Math.sign(x) * (size < 1.25 ? middleErf(size) : largeErf(size));
}

function middleErf(size: number): number {
  const s = fround(size - 1);
  return fround(AT_1 + fround(paired(MIDDLE_TOP, s) / paired(MIDDLE_BOTTOM, s)));
}

function largeErf(size: number): number {
  const s = fround(1 / fround(size * size));
  const [top, bottom] = size < LARGEST_FROM ? [LARGE_TOP, LARGE_BOTTOM] : [LARGEST_TOP, LARGEST_BOTTOM];
  // size without its last bits, so that its square is exact.
  const z = bitsToFloat(floatToBits(size) & 0xfffff000);
  const first = exp(fround(fround(-z * z) - 0.5625));
  const second = exp(fround(fround(fround(z - size) * fround(z + size)) + fround(paired(top, s) / paired(bottom, s))));
  return fround(1 - fround(fround(first * second) / size));
}

const LN2 = Math.LN2;
const EXP_POLYNOMIAL = [0.05550361559341535, 0.2402284522445722, 0.6931471806916203] as const;
const EXP_STEPS = 32;
/** 2^(i/32). */
const EXP_TABLE = Float64Array.from({ length: EXP_STEPS }, (_, i) => 2 ** (i / EXP_STEPS));

/** expf of glibc, without overflow: x from -80 to 80. */
function exp(x: number): number {
  const scaled = (x * EXP_STEPS) / LN2;
  const whole = Math.round(scaled);
  const r = (scaled - whole) / EXP_STEPS;
  const [c0, c1, c2] = EXP_POLYNOMIAL;
  const index = ((whole % EXP_STEPS) + EXP_STEPS) % EXP_STEPS;
  const y = (c0 * r + c1) * (r * r) + (c2 * r + 1);
  return fround(y * EXP_TABLE[index]! * 2 ** ((whole - index) / EXP_STEPS));
}

/** Of each sixteenth of [0.7, 1.4], in its binary order: 1 / c for a c near its centre, and ln c. */
const LOG_TABLE = [
  [1.398907162146528, -0.33569133332882284],
  [1.3403141896637998, -0.2929040563774074],
  [1.286432210124115, -0.2518726580937369],
  [1.2367150214269895, -0.21245868807117255],
  [1.1906977166711752, -0.17453945183745634],
  [1.1479821020556429, -0.1380057072319758],
  [1.1082251448272158, -0.10275976698545139],
  [1.0711297413057381, -0.06871392447020525],
  [1.036437278977283, -0.0357891387398228],
  [1, 0],
  [0.9492859795739057, 0.05204517742929496],
  [0.8951049428609004, 0.11081431298787942],
  [0.8476821620351103, 0.1652495223695143],
  [0.8050314851692001, 0.21687389031699977],
  [0.7664671008843108, 0.2659635028121397],
  [0.731428603316328, 0.3127556664073557],
] as const;
const LOG_POLYNOMIAL = [-0.25089342214237154, 0.333456765744066, -0.4999997485802103] as const;
/** Where the sixteenths begin. */
const LOG_OFFSET = 0x3f330000;

/** logf of glibc for normal numbers. */
function log(x: number): number {
  const bits = floatToBits(x);
  const distance = (bits - LOG_OFFSET) | 0;
  const [inverse, logarithm] = LOG_TABLE[(distance >>> 19) & 15]!;
  const exponent = distance >> 23;
  const r = bitsToFloat(bits - (exponent << 23)) * inverse - 1;
  const square = r * r;
  const [a0, a1, a2] = LOG_POLYNOMIAL;
  return fround((a0 * square + (a1 * r + a2)) * square + (logarithm + exponent * LN2 + r));
}

function floats(values: readonly number[]): Float32Array {
  return Float32Array.from(values);
}

function floatToBits(value: number): number {
  asFloat[0] = value;
  return asBits[0]!;
}

function bitsToFloat(bits: number): number {
  asBits[0] = bits;
  return asFloat[0]!;
}

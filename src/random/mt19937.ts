/**
 * torch's CPU random generator, draw for draw: a seed gives the same shuffles, crops and initial weights as PyTorch.
 * The engine is the Mersenne Twister of Matsumoto and Nishimura (1998). The conversion of its 32-bit outputs follows
 * torch 1.13 (ATen/core/DistributionsHelper.h, ATen/native/cpu/DistributionTemplates.h).
 */

const STATE = 624;
const SHIFT = 397;
const UPPER = 0x80000000;
const LOWER = 0x7fffffff;
const MATRIX = 0x9908b0df;
const TWO_POW_MINUS_24 = 2 ** -24;
const TWO_POW_MINUS_53 = 2 ** -53;
const { fround } = Math;
const TWO_PI = fround(2 * Math.PI);
/** From this size on, torch fills normals sixteen at a time. */
const NORMAL_BLOCK = 16;

/** A generator's place in its stream, as JSON can hold it. */
export interface GeneratorState {
  /** The 624 words of the twister, little-endian, in base64. */
  readonly words: string;
  /** Index of the next word, 0 to 624. */
  readonly next: number;
  /** The normal value that is left over from the last pair; null without one. */
  readonly cachedNormal: number | null;
  /** 32-bit outputs since the last seed. */
  readonly drawn: number;
}

/**
 * One stream of random numbers. Two generators with equal seeds give equal numbers; `clone` saves a place in the
 * stream.
 */
export class Generator {
  private readonly state = new Uint32Array(STATE);
  /** Index of the next output in `state`; STATE when the block is used up. */
  private next = STATE;
  /** The sine half of the last Box-Muller pair, cached as in torch. */
  private cachedNormal: number | undefined;
  private drawnCount = 0;

  /** @param seed as for `torch.manual_seed`; only its low 32 bits count. */
  constructor(seed = 0) {
    this.seed(seed);
  }

  /** Number of 32-bit outputs since the last `seed`. */
  get drawn(): number {
    return this.drawnCount;
  }

  /** Starts over: only the low 32 bits of `seed` count, and the cached normal is dropped (`torch.manual_seed`). */
  seed(seed: number): this {
    if (!Number.isInteger(seed)) throw new TypeError(`Generator: expected a whole number as seed, got ${seed}.`);
    const s = this.state;
    // Not `seed >>> 0`: beyond 2^53 nothing is exact anyway, but below it this remainder is exact, for negative seeds
    // too.
    s[0] = seed % 2 ** 32;
    for (let i = 1; i < STATE; i++) {
      const previous = s[i - 1]!;
      s[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
    }
    this.next = STATE;
    this.cachedNormal = undefined;
    this.drawnCount = 0;
    return this;
  }

  /** An independent generator at the same place of the same stream. */
  clone(): Generator {
    return new Generator().copyFrom(this);
  }

  /** Moves this generator to the place of `other`. */
  copyFrom(other: Generator): this {
    this.state.set(other.state);
    this.next = other.next;
    this.cachedNormal = other.cachedNormal;
    this.drawnCount = other.drawnCount;
    return this;
  }

  /** The place in the stream, for a file. */
  stateDict(): GeneratorState {
    const { next, cachedNormal = null, drawnCount } = this;
    const bytes = new Uint8Array(4 * STATE);
    const view = new DataView(bytes.buffer);
    for (const [i, word] of this.state.entries()) view.setUint32(4 * i, word, true);
    return { words: btoa(String.fromCharCode(...bytes)), next, cachedNormal, drawn: drawnCount };
  }

  /** Moves to the place that `stateDict` gave. @throws TypeError if it is no such place */
  loadStateDict(state: GeneratorState): this {
    const { words, next, cachedNormal = null, drawn } = Object(state) as GeneratorState;
    const isBase64 = typeof words === 'string' && /^[A-Za-z0-9+/]*=*$/.test(words) && words.length % 4 === 0;
    const bytes = isBase64 ? Uint8Array.from(atob(words), (char) => char.charCodeAt(0)) : undefined;
    const counts = [next, drawn].every((value) => Number.isSafeInteger(value) && value >= 0);
    const normal = cachedNormal === null || Number.isFinite(cachedNormal);
    if (bytes?.length !== 4 * STATE || !counts || next > STATE || !normal) {
      throw new TypeError(
        'Generator: expected the state that stateDict() gave: 624 words, a place among them, a count.',
      );
    }
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < STATE; i++) this.state[i] = view.getUint32(4 * i, true);
    this.next = next;
    this.cachedNormal = cachedNormal ?? undefined;
    this.drawnCount = drawn;
    return this;
  }

  /** The next 32-bit output, 0..2^32-1. All other methods use these outputs. */
  u32(): number {
    if (this.next === STATE) this.twist();
    this.drawnCount++;
    let y = this.state[this.next++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** Skips `n` outputs. Whole blocks are twisted without being tempered. */
  skip(n: number): void {
    this.drawnCount += n;
    let left = n;
    while (left > STATE - this.next) {
      left -= STATE - this.next;
      this.twist();
    }
    this.next += left;
  }

  /** `torch.rand(1)`: a float32 in [0, 1). One draw. */
  rand(): number {
    return (this.u32() & 0xffffff) * TWO_POW_MINUS_24;
  }

  /** `torch.rand(1, dtype=float64)`: a double in [0, 1). Two draws. */
  rand64(): number {
    const high = this.u32() & 0x1fffff;
    return (high * 2 ** 32 + this.u32()) * TWO_POW_MINUS_53;
  }

  /** `torch.empty(1).uniform_(a, b)`: a float32 from a to b (rounding can give b itself). One draw. */
  uniform(a: number, b: number): number {
    const from = Math.fround(a);
    const range = Math.fround(Math.fround(b) - from);
    return Math.fround(this.rand() * range + from);
  }

  /** `torch.randint(0, n, (1,))` for 1 <= n < 2^32. One draw, even for n = 1. */
  randint(n: number): number {
    if (!(Number.isInteger(n) && n >= 1 && n < 2 ** 32)) {
      throw new RangeError(`randint: expected a whole number from 1 to 2^32 - 1, got ${n}.`);
    }
    return this.u32() % n;
  }

  /** `torch.empty((), dtype=int64).random_()` as a seed: its low 32 bits. Two draws. */
  randomSeed(): number {
    this.u32();
    return this.u32();
  }

  /** `torch.empty((), dtype=int64).random_()` in full, 0..2^63-1. Two draws. */
  random63(): bigint {
    const high = BigInt(this.u32() & LOWER);
    return (high << 32n) | BigInt(this.u32());
  }

  /** `torch.randperm(n)`: a shuffled 0..n-1. n - 1 draws. */
  randperm(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = 0; i < n - 1; i++) {
      const z = i + (this.u32() % (n - i));
      const swap = order[i]!;
      order[i] = order[z]!;
      order[z] = swap;
    }
    return order;
  }

  /** `tensor.uniform_(a, b)` on a contiguous float32 tensor, in place. One draw per value. */
  fillUniform(out: Float32Array, a = 0, b = 1): Float32Array {
    const from = Math.fround(a);
    const range = Math.fround(Math.fround(b) - from);
    for (let i = 0; i < out.length; i++) out[i] = this.rand() * range + from;
    return out;
  }

  /**
   * `tensor.normal_(mean, std)` on a contiguous float32 tensor, in place. The draws equal torch’s. Standard normals
   * agree with its AVX2 build to 5e-7, about an ulp. They differ by 2e-6 from its plain build, which rounds angles
   * elsewhere.
   */
  fillNormal(out: Float32Array, mean = 0, std = 1): Float32Array {
    if (out.length < NORMAL_BLOCK) {
      for (let i = 0; i < out.length; i++) out[i] = this.normal64() * std + mean;
      return out;
    }
    this.fillUniform(out);
    const whole = out.length - (out.length % NORMAL_BLOCK);
    for (let i = 0; i < whole; i += NORMAL_BLOCK) boxMullerBlock(out, i, mean, std);
    if (whole < out.length) {
      // torch redraws the last sixteen values rather than leave a partial block.
      const last = out.length - NORMAL_BLOCK;
      this.fillUniform(out.subarray(last));
      boxMullerBlock(out, last, mean, std);
    }
    return out;
  }

  /**
   * A double from the standard normal distribution, as torch draws a single one. Pairs are drawn together (4 draws), and
   * the second half is cached.
   */
  normal64(): number {
    if (this.cachedNormal !== undefined) {
      const kept = this.cachedNormal;
      this.cachedNormal = undefined;
      return kept;
    }
    const angle = 2 * Math.PI * this.rand64();
    const radius = Math.sqrt(-2 * Math.log1p(-this.rand64()));
    this.cachedNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  private twist(): void {
    const s = this.state;
    for (let i = 0; i < STATE - SHIFT; i++) s[i] = s[i + SHIFT]! ^ mix(s[i]!, s[i + 1]!);
    for (let i = STATE - SHIFT; i < STATE - 1; i++) s[i] = s[i + SHIFT - STATE]! ^ mix(s[i]!, s[i + 1]!);
    s[STATE - 1] = s[SHIFT - 1]! ^ mix(s[STATE - 1]!, s[0]!);
    this.next = 0;
  }
}

function mix(high: number, low: number): number {
  const y = (high & UPPER) | (low & LOWER);
  return (y >>> 1) ^ (y & 1 ? MATRIX : 0);
}

/**
 * Turns 16 uniforms at `start` into 16 normals: the first eight are radii, the last eight are angles. It rounds to
 * float32 where torch's vectorised code does. The rounding of an angle decides the result's sixth digit.
 */
function boxMullerBlock(data: Float32Array, start: number, mean: number, std: number): void {
  for (let j = start; j < start + 8; j++) {
    const radius = fround(Math.sqrt(fround(-2 * fround(Math.log(fround(1 - data[j]!))))));
    const angle = fround(TWO_PI * data[j + 8]!);
    data[j] = fround(radius * fround(Math.cos(angle))) * std + mean;
    data[j + 8] = fround(radius * fround(Math.sin(angle))) * std + mean;
  }
}

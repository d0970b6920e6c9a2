// Philox-4x32-10, a random function of a counter and a key (Salmon et al. 2011, "Parallel random numbers: as easy as 1,
// 2, 3"). Each counter gives four independent words, on every adapter the same.
const ROUNDS = 10u;

// The high word of a · b.
fn highOf(a: u32, b: u32) -> u32 {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let middle = a1 * b0 + ((a0 * b0) >> 16u);
  return a1 * b1 + (middle >> 16u) + ((a0 * b1 + (middle & 0xffffu)) >> 16u);
}

fn philox(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
  const first = 0xd2511f53u;
  const second = 0xcd9e8d57u;
  var x = counter;
  var k = key;
  for (var round = 0u; round < ROUNDS; round++) {
    x = vec4<u32>(highOf(x.z, second) ^ x.y ^ k.x, x.z * second, highOf(x.x, first) ^ x.w ^ k.y, x.x * first);
    k += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return x;
}

/** Philox-4x32-10 (Salmon et al. 2011) in plain numbers, to hold shaders against. */

type Words = [number, number, number, number];

/** The function of a counter and a key, all of 32-bit words. */
export function philox(counter: Readonly<Words>, key: readonly [number, number]): Words {
  let x: Words = [...counter];
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const first = BigInt(x[0]) * 0xd2511f53n;
    const second = BigInt(x[2]) * 0xcd9e8d57n;
    const [high, low] = [
      (product: bigint) => Number(product >> 32n),
      (product: bigint) => Number(product & 0xffffffffn),
    ];
    x = [(high(second) ^ x[1] ^ k0) >>> 0, low(second), (high(first) ^ x[3] ^ k1) >>> 0, low(first)];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return x;
}

/** Random123's known answers (`kat_vectors`, philox4x32 with 10 rounds): counter, key, result. */
export const KNOWN_ANSWERS: readonly (readonly [counter: Words, key: [number, number], result: Words])[] = [
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

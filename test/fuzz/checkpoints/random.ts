/** Random choices from a seed and the number of a case, so that each case can be made again alone. */

export class Choices {
  #state: number;

  constructor(seed: number, index: number) {
    this.#state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) + Math.imul(index, 0xc2b2ae35)) | 0;
  }

  /** Uniform in [0, 1). mulberry32, by Tommy Ettinger. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to below `end`; 0 if there is none. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** 1 most often, seldom more. */
  few(): number {
    let count = 1;
    while (count < 8 && this.chance(0.4)) count++;
    return count;
  }
}

/** Numbers at the edges of what formats and programs expect. */
export const EDGES: readonly number[] = [
  ...[0, 1, 2, 3, 4, 7, 8, 63, 64, 65, 127, 128, 255, 256, 32767, 65535, 65536],
  ...[2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 63],
];

/** Names that a reader treats in a way of their own. */
export const NAMES: readonly string[] = [
  ...[
    'state_dict',
    'model',
    'state_dict_ema',
    'ema',
    'optimizer',
    'module.',
    'module.a',
    '_orig_mod.a',
    'b._orig_mod.a',
  ],
  ...['n_averaged', 'classes', 'class_to_idx', 'hyper_parameters', '__proto__', 'constructor', '__metadata__', ''],
  ...[
    'layer1.0.conv1.weight',
    'model.layer1.0.conv1.weight',
    '\u001b[2J\u0007',
    '\u202e',
    'x'.repeat(3000),
    '0',
    '../0',
  ],
];

/** Cuts, repeats, flips, overwrites or removes bytes. */
export function mutateBytes(bytes: Buffer, choices: Choices): Buffer {
  let out = Buffer.from(bytes);
  for (let round = choices.few(); round > 0; round--) {
    const at = choices.below(out.length);
    const length = Math.min(out.length - at, 1 + choices.below(choices.pick([1, 4, 16, 256])));
    switch (choices.below(7)) {
      case 0:
        out = out.subarray(0, at);
        break;
      case 1:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + length)]);
        break;
      case 2:
        out = Buffer.concat([out.subarray(0, at + length), out.subarray(at)]);
        break;
      case 3:
        out = Buffer.concat([out.subarray(0, at), Buffer.alloc(length, choices.below(256)), out.subarray(at)]);
        break;
      case 4:
        if (at + 4 <= out.length) out.writeUInt32LE(choices.pick(EDGES) % 2 ** 32, at);
        break;
      default:
        for (let i = 0; i < length && i < 4; i++) out[at + i] = choices.chance(0.5) ? choices.below(256) : out[at]! ^ 1;
    }
  }
  return out;
}

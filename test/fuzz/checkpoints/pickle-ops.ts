/** Pickles as lists of opcodes, and mutations of them. */

import { int, text } from '../../weights/build.ts';
import { type Choices, EDGES, NAMES } from './random.ts';

/** One opcode with its argument, as bytes. */
export type Op = Buffer;

/** Bytes of an argument of fixed length. */
const FIXED: Readonly<Record<number, number>> = {
  ...{ 128: 1, 149: 8, 74: 4, 75: 1, 77: 2, 71: 8, 113: 1, 114: 4, 104: 1, 106: 4 },
};
/** Bytes of the length before an argument. */
const COUNTED: Readonly<Record<number, number>> = {
  ...{ 140: 1, 85: 1, 67: 1, 138: 1, 88: 4, 84: 4, 66: 4, 139: 4, 141: 8, 142: 8 },
};
const GLOBAL = 0x63;
const STOP = 0x2e;
const INTEGERS: readonly number[] = [0x4a, 0x4b, 0x4d, 0x8a];
const TEXT = 0x58;

/** Splits a well-formed pickle. @returns its opcodes and the place after it */
export function splitPickle(bytes: Buffer, start = 0): { ops: Op[]; end: number } {
  const ops: Op[] = [];
  let at = start;
  for (;;) {
    const opcode = bytes[at]!;
    let end = at + 1 + (FIXED[opcode] ?? 0);
    const width = COUNTED[opcode];
    if (width !== undefined) end = at + 1 + width + bytes.readUIntLE(at + 1, Math.min(width, 6));
    if (opcode === GLOBAL) end = bytes.indexOf(10, bytes.indexOf(10, at) + 1) + 1;
    ops.push(bytes.subarray(at, end));
    at = end;
    if (opcode === STOP) return { ops, end: at };
  }
}

/** Opcodes to put in: those that the reader knows, and some that it must refuse. */
const INSERTED: readonly string[] = [
  ...[
    '(',
    '0',
    '1',
    'N',
    '\x88',
    '\x89',
    ')',
    '\x85',
    '\x86',
    '\x87',
    't',
    ']',
    'a',
    'e',
    '}',
    's',
    'u',
    'R',
    'b',
    'Q',
  ],
  ...[
    '\x94',
    'h\0',
    'q\0',
    'h\x05',
    'q\x05',
    'K\x01',
    '.',
    '\x81',
    'o',
    'i',
    '\x93',
    '\x80\x05',
    'G\x7f\xf0\0\0\0\0\0\0',
  ],
];
const GLOBALS: readonly string[] = [
  ...['torch\nFloatStorage', 'torch\nLongStorage', 'torch\nBoolStorage', 'torch\nHalfStorage', 'torch\nDoubleStorage'],
  ...['torch.cuda\nByteStorage', 'torch._utils\n_rebuild_tensor_v2', 'torch._utils\n_rebuild_parameter', 'torch\nSize'],
  ...['collections\nOrderedDict', 'os\nsystem', 'builtins\neval', 'torch\nComplexFloatStorage'],
];

/** Changes some opcodes: leaves out, repeats, moves, puts in, or gives other arguments. */
export function mutateOps(original: readonly Op[], choices: Choices): Op[] {
  const ops = [...original];
  for (let round = choices.few(); round > 0 && ops.length > 0; round--) {
    const at = choices.below(ops.length);
    const length = 1 + choices.below(choices.pick([1, 3, 30]));
    switch (choices.below(10)) {
      case 0:
        ops.splice(at, length);
        break;
      case 1:
        ops.splice(choices.below(ops.length), 0, ...ops.slice(at, at + length));
        break;
      case 2:
        ops.splice(choices.below(ops.length), 0, ...ops.splice(at, length));
        break;
      case 3:
        ops.splice(at, 0, Buffer.from(choices.pick(INSERTED), 'latin1'));
        break;
      case 4:
        ops[at] = ops[choices.below(ops.length)]!;
        break;
      default:
        mutateArgument(ops, choices);
    }
  }
  return ops;
}

/** Gives one opcode of a kind another argument. */
function mutateArgument(ops: Op[], choices: Choices): void {
  const kind = choices.pick(['integer', 'integer', 'text', 'text', 'global'] as const);
  const fits = (op: Op) =>
    kind === 'integer' ? INTEGERS.includes(op[0]!) : op[0] === (kind === 'text' ? TEXT : GLOBAL);
  const places = ops.flatMap((op, i) => (fits(op) ? [i] : []));
  if (places.length === 0) return;
  const at = choices.pick(places);
  if (kind === 'global') ops[at] = Buffer.from(`c${choices.pick(GLOBALS)}\n`);
  else if (kind === 'text') {
    const other = choices.chance(0.5) ? ops[choices.pick(places)]! : text(choices.pick(NAMES));
    ops[at] = other;
  } else if (choices.chance(0.5)) ops[at] = ops[choices.pick(places)]!;
  else ops[at] = int(choices.chance(0.2) ? -choices.pick(EDGES.slice(0, -1)) : choices.pick(EDGES.slice(0, -1)));
}

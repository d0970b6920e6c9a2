/**
 * A reader of Python pickles that executes nothing. A pickle is a program for a small stack machine, and Python's
 * machine lets it call any function. This one knows only the opcodes that a dict of tensors needs (protocols 2 to 5).
 * Names resolve only through the caller's allow-list. Anything else throws an error that names it.
 *
 * Bounds: an opcode costs at most as much as its bytes in the file. Structures are shared and never walked, and nothing
 * recurses. So the work is linear in the input for any contents, and the number of opcodes is limited by the file's size.
 *
 * Source: CPython's Lib/pickletools.py, which describes each opcode.
 */

import { FileError } from '../errors.ts';
import { quote } from '../printable.ts';
import { PickleBytes } from './pickle-bytes.ts';
import { describeValue, PickleDict, PickleGlobal, PickleTuple, type PickleValue } from './pickle-values.ts';

export interface PickleHost {
  /** Path of the file, which starts every message. */
  readonly file: string;
  /** In bytes. A step of the pickle makes objects, and a compressed pickle has many steps in few bytes. */
  readonly fileSize: number;
  /** @returns the global, or undefined if it is not on the allow-list */
  findGlobal(name: string): PickleGlobal | undefined;
  /** Resolves an object stored outside the pickle, such as torch's storages. May throw FileError. */
  persistentLoad(id: PickleValue): PickleValue;
}

/**
 * Reads one pickle.
 * @param start its start in `bytes`
 * @returns its value and its end: the byte after STOP
 * @throws FileError unless it is a complete, plain pickle
 */
export function readPickle(bytes: Uint8Array, start: number, host: PickleHost): { value: PickleValue; end: number } {
  return new Machine(bytes, start, host).run();
}

const LAST_PROTOCOL = 5;
/**
 * A tensor takes some 30 opcodes. The smallest opcode makes an object of 100 bytes. Without limits a hostile file
 * could exhaust the memory, and that cannot be caught. A file may have this many, and one per byte of it.
 */
const MOST_OPCODES = 1_000_000;
const FREE_OPCODES = 2 ** 14;
const STOP = 0x2e;

class Machine {
  readonly #input: PickleBytes;
  readonly #host: PickleHost;
  readonly #memo = new Map<number, PickleValue>();
  #opcodeAt = 0;
  #stack: PickleValue[] = [];
  /** The stacks below each MARK, as in CPython. */
  readonly #below: PickleValue[][] = [];

  constructor(bytes: Uint8Array, start: number, host: PickleHost) {
    this.#input = new PickleBytes(bytes, start, (found, fix) => this.#fail(found, fix));
    this.#host = host;
  }

  run(): { value: PickleValue; end: number } {
    const most = Math.min(MOST_OPCODES, FREE_OPCODES + this.#host.fileSize);
    for (let count = 0; ; count++) {
      this.#opcodeAt = this.#input.position;
      const opcode = this.#input.uint8();
      if (opcode === STOP) return { value: this.#pop(), end: this.#input.position };
      if (count > most) this.#fail(`it has more than ${most} steps`, 'save only model.state_dict()');
      const value = this.#execute(opcode);
      if (value !== undefined) this.#stack.push(value);
    }
  }

  /** @returns the value that the opcode pushes, or undefined if it only changes existing values */
  #execute(opcode: number): PickleValue | undefined {
    const input = this.#input;
    switch (opcode) {
      case 0x80: // PROTO
        return this.#checkProtocol(input.uint8());
      case 0x95: // FRAME: a hint for stream readers
        return input.expect(input.uint64());
      case 0x28: // MARK
        return this.#mark();
      case 0x30: // POP
        this.#pop();
        return undefined;
      case 0x31: // POP_MARK
        this.#popMark();
        return undefined;

      case 0x4e: // NONE
        return null;
      case 0x88: // NEWTRUE
        return true;
      case 0x89: // NEWFALSE
        return false;
      case 0x4a: // BININT
        return input.int32();
      case 0x4b: // BININT1
        return input.uint8();
      case 0x4d: // BININT2
        return input.uint16();
      case 0x8a: // LONG1
        return input.integer(input.uint8());
      case 0x8b: // LONG4
        return input.integer(input.int32());
      case 0x47: // BINFLOAT, the only big-endian value
        return input.float64();

      case 0x8c: // SHORT_BINUNICODE
      case 0x55: // SHORT_BINSTRING: a Python 2 str
        return input.text(input.uint8());
      case 0x58: // BINUNICODE
      case 0x54: // BINSTRING
        return input.text(input.uint32());
      case 0x8d: // BINUNICODE8
        return input.text(input.uint64());
      case 0x43: // SHORT_BINBYTES
        return input.slice(input.uint8());
      case 0x42: // BINBYTES
        return input.slice(input.uint32());
      case 0x8e: // BINBYTES8
        return input.slice(input.uint64());

      case 0x29: // EMPTY_TUPLE
        return new PickleTuple([]);
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return new PickleTuple(this.#popMany(opcode - 0x84));
      case 0x74: // TUPLE
        return new PickleTuple(this.#popMark());
      case 0x5d: // EMPTY_LIST
        return [];
      case 0x61: // APPEND
        return this.#append(this.#popMany(1));
      case 0x65: // APPENDS
        return this.#append(this.#popMark());
      case 0x7d: // EMPTY_DICT
        return new PickleDict(false);
      case 0x73: // SETITEM
        return this.#setItems(this.#popMany(2));
      case 0x75: // SETITEMS
        return this.#setItems(this.#popMark());

      case 0x71: // BINPUT
        return this.#remember(input.uint8());
      case 0x72: // LONG_BINPUT
        return this.#remember(input.uint32());
      case 0x94: // MEMOIZE
        return this.#remember(this.#memo.size);
      case 0x68: // BINGET
        return this.#recall(input.uint8());
      case 0x6a: // LONG_BINGET
        return this.#recall(input.uint32());

      case 0x63: // GLOBAL
        return this.#global(input.line(), input.line());
      case 0x93: // STACK_GLOBAL
        return this.#stackGlobal(this.#popMany(2));
      case 0x52: // REDUCE
        return this.#reduce(this.#popMany(2));
      case 0x62: // BUILD
        return this.#build(this.#pop());
      case 0x51: // BINPERSID
        return this.#host.persistentLoad(this.#pop());
      default:
        return this.#fail(
          `opcode 0x${opcode.toString(16).padStart(2, '0')} is not one that a dict of tensors needs, so it is refused`,
          'save only model.state_dict(), with torch.save',
        );
    }
  }

  #checkProtocol(protocol: number): undefined {
    if (protocol > LAST_PROTOCOL) {
      this.#fail(`pickle protocol ${protocol} is unknown (expected 2 to ${LAST_PROTOCOL})`, 'save it with torch.save');
    }
  }

  #global(module: string, name: string): PickleGlobal {
    const full = `${module}.${name}`;
    const found = this.#host.findGlobal(full);
    if (found === undefined) {
      this.#fail(
        `it asks for the Python global ${quote(full)}, which is not needed for tensors, so it is refused (nothing was run)`,
        'load it in Python where you trust it, and save only the tensors: torch.save(model.state_dict(), "weights.pth")',
      );
    }
    return found;
  }

  #stackGlobal([module, name]: readonly PickleValue[]): PickleGlobal {
    if (typeof module !== 'string' || typeof name !== 'string') {
      this.#fail('a global is not named by two strings', 'the file is damaged; save it again');
    }
    return this.#global(module, name);
  }

  #reduce([callee, args]: readonly PickleValue[]): PickleValue {
    if (!(callee instanceof PickleGlobal) || callee.call === undefined || !(args instanceof PickleTuple)) {
      this.#fail(`it calls ${describeValue(callee)}, which is refused`, 'save only model.state_dict()');
    }
    return callee.call(args.items);
  }

  #build(state: PickleValue): undefined {
    const target = this.#top();
    if (target instanceof PickleDict && target.ordered && state instanceof PickleDict) return;
    this.#fail(`it sets attributes of ${describeValue(target)}, which is refused`, 'save only model.state_dict()');
  }

  #append(items: readonly PickleValue[]): undefined {
    const list = this.#top();
    if (!Array.isArray(list)) this.#fail(`it appends to ${describeValue(list)}`, 'the file is damaged; save it again');
    for (const item of items) list.push(item);
  }

  #setItems(items: readonly PickleValue[]): undefined {
    const dict = this.#top();
    if (!(dict instanceof PickleDict) || items.length % 2 !== 0) {
      this.#fail(`it sets items of ${describeValue(dict)}`, 'the file is damaged; save it again');
    }
    for (let i = 0; i < items.length; i += 2) dict.entries.set(items[i]!, items[i + 1]!);
  }

  #recall(index: number): PickleValue {
    const value = this.#memo.get(index);
    if (value === undefined) this.#fail(`memo entry ${index} was never stored`, 'the file is damaged; save it again');
    return value;
  }

  #remember(index: number): undefined {
    this.#memo.set(index, this.#top());
  }

  #mark(): undefined {
    this.#below.push(this.#stack);
    this.#stack = [];
  }

  #top(): PickleValue {
    const value = this.#stack.at(-1);
    return value === undefined ? this.#underflow() : value;
  }

  #pop(): PickleValue {
    const value = this.#stack.pop();
    return value === undefined ? this.#underflow() : value;
  }

  #popMany(count: number): PickleValue[] {
    if (this.#stack.length < count) this.#underflow();
    return this.#stack.splice(this.#stack.length - count);
  }

  #popMark(): PickleValue[] {
    const items = this.#stack;
    this.#stack = this.#below.pop() ?? this.#underflow();
    return items;
  }

  #underflow(): never {
    this.#fail('it takes more from its stack than the stack holds', 'the file is damaged; save it again');
  }

  #fail(found: string, fix: string): never {
    throw new FileError(`${this.#host.file}: cannot read its pickle: at byte ${this.#opcodeAt} ${found}; ${fix}`);
  }
}

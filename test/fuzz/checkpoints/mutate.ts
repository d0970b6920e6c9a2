/** Makes the file of one case: a seed, changed within its structure and built again, or byte by byte. */

import { makeSafetensors, makeZip, type ZipOptions } from '../../weights/build.ts';
import { mutateOnnx } from './onnx.ts';
import { mutateOps } from './pickle-ops.ts';
import { Choices, EDGES, mutateBytes, NAMES } from './random.ts';
import type { Entry, Seed } from './seeds.ts';

/** How often a built file is also changed byte by byte, and how often that is all. */
const RAW_TOO = 0.1;
const DTYPES: readonly string[] = [
  'F64',
  'F32',
  'F16',
  'BF16',
  'I64',
  'U64',
  'I8',
  'BOOL',
  'F8_E4M3',
  'C64',
  'toString',
];

/** The file with this number. The same seeds, seed and number give the same bytes. */
export function makeCase(seeds: readonly Seed[], seed: number, index: number): { name: string; bytes: Buffer } {
  const choices = new Choices(seed, index);
  const chosen = choices.pick(seeds);
  const built = build(chosen, choices);
  const bytes = choices.chance(RAW_TOO) ? mutateBytes(built, choices) : built;
  return { name: chosen.name, bytes };
}

function build(seed: Seed, choices: Choices): Buffer {
  switch (seed.kind) {
    case 'zip':
      return buildZip(seed, choices);
    case 'stream':
      return buildStream(seed, choices);
    case 'safetensors':
      return buildSafetensors(seed, choices);
    case 'onnx':
      return mutateOnnx(seed.bytes, choices);
    case 'tar':
      return mutateBytes(makeTar(mutateEntries(seed.entries, choices)), choices);
  }
}

function buildZip({ ops, entries }: Seed & { kind: 'zip' }, choices: Choices): Buffer {
  const data = Buffer.concat(choices.chance(0.8) ? mutateOps(ops, choices) : ops);
  const folder = entries[0]?.[0].split('/')[0] ?? 'archive';
  const all: Entry[] = [[`${folder}/data.pkl`, data], ...entries];
  const options: ZipOptions = {
    deflate: choices.chance(0.2),
    zip64: choices.chance(0.1),
    ...(choices.chance(0.1) && { comment: choices.pick(NAMES) }),
    ...(choices.chance(0.05) && { edit: (central: Buffer) => mutateHeader(central, choices) }),
  };
  return makeZip(choices.chance(0.15) ? mutateEntries(all, choices) : all, options);
}

/** Any two or four bytes of a central header. */
function mutateHeader(central: Buffer, choices: Choices): void {
  if (choices.chance(0.5)) central.writeUInt16LE(choices.pick(EDGES) % 65536, choices.below(44));
  else central.writeUInt32LE(choices.pick(EDGES) % 2 ** 32, choices.below(42));
}

function mutateEntries(entries: readonly Entry[], choices: Choices): Entry[] {
  const out = [...entries];
  const at = choices.below(out.length);
  const [name, bytes] = out[at]!;
  switch (choices.below(5)) {
    case 0:
      out.splice(at, 1);
      break;
    case 1:
      out.splice(choices.below(out.length), 0, out[at]!);
      break;
    case 2:
      out[at] = [choices.chance(0.5) ? choices.pick(out)[0] : `${name.split('/')[0]}/byteorder`, bytes];
      break;
    case 3:
      out[at] = [name, choices.chance(0.5) ? Buffer.concat([bytes, bytes]) : Buffer.alloc(choices.below(65536))];
      break;
    default:
      out[at] = [name, mutateBytes(bytes, choices)];
  }
  return out;
}

function buildStream({ pickles, tail }: Seed & { kind: 'stream' }, choices: Choices): Buffer {
  const parts = pickles.map((ops, i) => {
    // The object is the longest; the others decide whether it is read at all.
    const changes = i === 3 ? 0.7 : 0.05;
    return Buffer.concat(choices.chance(changes) ? mutateOps(ops, choices) : ops);
  });
  return Buffer.concat([...parts, choices.chance(0.3) ? mutateBytes(tail, choices) : tail]);
}

function buildSafetensors({ tokens, data }: Seed & { kind: 'safetensors' }, choices: Choices): Buffer {
  const out = [...tokens];
  for (let round = choices.chance(0.9) ? choices.few() : 0; round > 0; round--) mutateToken(out, choices);
  const header = out.join('');
  const length = choices.chance(0.05) ? BigInt(choices.pick(EDGES)) : undefined;
  return makeSafetensors(header, choices.chance(0.15) ? mutateBytes(data, choices) : data, length);
}

function mutateToken(tokens: string[], choices: Choices): void {
  const at = choices.below(tokens.length);
  const length = 1 + choices.below(choices.pick([1, 4, 25]));
  switch (choices.below(8)) {
    case 0:
      tokens.splice(at, length);
      break;
    case 1:
      tokens.splice(choices.below(tokens.length), 0, ...tokens.slice(at, at + length));
      break;
    case 2:
      tokens.splice(
        at,
        0,
        choices.pick(['{', '}', '[', ']', ',', ':', ' ', '\n', 'null', 'true', '1e3', '-', '\u0007']),
      );
      break;
    case 3:
      tokens.splice(at, 0, choices.pick(['{', '[', '{"a":', ' ']).repeat(choices.pick([2, 9, 5000])));
      break;
    default:
      tokens[at] = otherToken(tokens, tokens[at]!, choices);
  }
}

function otherToken(tokens: readonly string[], token: string, choices: Choices): string {
  if (/^\d/.test(token)) return String(choices.chance(0.1) ? -1.5 : choices.pick(EDGES));
  if (!token.startsWith('"')) return token;
  if (choices.chance(0.3)) return JSON.stringify(choices.pick(DTYPES));
  if (choices.chance(0.5)) return choices.pick(tokens.filter((one) => one.startsWith('"')));
  return choices.chance(0.2)
    ? choices.pick(['"\\ud800"', '"\\x"', '"a', '"\\u0061"'])
    : JSON.stringify(choices.pick(NAMES));
}

/** A tar as torch 0.1 wrote it. */
function makeTar(entries: readonly Entry[]): Buffer {
  const parts = entries.flatMap(([name, bytes]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(bytes.length.toString(8).padStart(11, '0'), 124);
    header.write('ustar', 257);
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

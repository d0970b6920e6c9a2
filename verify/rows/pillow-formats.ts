/** Pictures of every mode and kind that Pillow writes, and files written for it to read: its pixels or a refusal. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, readSize } from '../../src/data/index.ts';
import { FileError } from '../../src/errors.ts';
import type { Row } from '../row.ts';
import { runScript } from '../tensors.ts';

interface PillowPicture {
  readonly width: number;
  readonly height: number;
  readonly sha256: string;
}

/** Pillow's answer: a picture, as it is stored and as its EXIF turns it, or its error. */
type Pillow = (PillowPicture & { readonly turned: PillowPicture }) | { readonly error: string };

/**
 * `alone` counts what Pillow refuses and we decode: TIFF of 64 bits with the high bytes first, which Pillow 9.4
 * cannot open.
 */
const KINDS = ['equal', 'refused', 'refused by both', 'alone', 'wrong'] as const;
type Kind = (typeof KINDS)[number];

/** Fewer equal pictures than this would mean that something is refused without need. */
const LEAST_EQUAL = 4900;
const SHOWN = 20;

export const pillowFormats: Row = {
  name: 'pillow-formats',
  title:
    'pictures of every format, mode, kind and orientation that Pillow writes or reads: its pixels or a clear refusal',
  minutes: 1,
  ci: true,
  run: async (context) => {
    runScript(context, 'verify/python/pillow_formats.py', [context.scratch]);
    const pillow = JSON.parse(readFileSync(join(context.scratch, 'pillow.json'), 'utf8')) as Record<string, Pillow>;
    const counts: Record<string, Record<Kind, number>> = {};
    const wrong: string[] = [];
    for (const [name, expected] of Object.entries(pillow)) {
      const format = name.slice(0, name.indexOf('-'));
      counts[format] ??= { equal: 0, refused: 0, 'refused by both': 0, alone: 0, wrong: 0 };
      const path = join(context.scratch, name);
      const asStored = await compare(path, expected, true);
      const { kind, found } =
        asStored.kind === 'equal' && 'turned' in expected ? await compare(path, expected.turned, false) : asStored;
      counts[format][kind]++;
      if (kind === 'wrong') wrong.push(`${name}: ${found}`);
    }
    for (const [format, count] of Object.entries(counts)) {
      console.log(`  ${format.padEnd(5)} ${KINDS.map((kind) => `${kind} ${count[kind]}`).join(', ')}`);
    }
    for (const line of wrong.slice(0, SHOWN)) console.log(`  wrong: ${line}`);
    const sum = (kind: Kind) => Object.values(counts).reduce((total, count) => total + count[kind], 0);
    const total = Object.keys(pillow).length;
    return [
      {
        what: 'pictures with other pixels than Pillow’s, another size before decoding, or an unclear error',
        figure: `${sum('wrong')} of ${total}; ${sum('refused by both')} refused by both, ${sum('alone')} by Pillow alone`,
        bar: 'none',
        holds: wrong.length === 0,
      },
      {
        what: 'pictures with Pillow’s pixels',
        figure: `${sum('equal')}; refused ${sum('refused')}`,
        bar: `at least ${LEAST_EQUAL}`,
        holds: sum('equal') >= LEAST_EQUAL,
      },
    ];
  },
};

async function compare(
  path: string,
  expected: PillowPicture | { readonly error: string },
  ignoreOrientation: boolean,
): Promise<{ kind: Kind; found: string }> {
  try {
    const size = await readSize(path, { ignoreOrientation });
    const { width, height, pixels } = await decode(path, { ignoreOrientation });
    const found = `${width}×${height}`;
    if (size.width !== width || size.height !== height) {
      return { kind: 'wrong', found: `${found}, but its header says ${size.width}×${size.height}` };
    }
    if ('error' in expected) return { kind: 'alone', found };
    const isEqual = width === expected.width && height === expected.height && sha256(pixels) === expected.sha256;
    return { kind: isEqual ? 'equal' : 'wrong', found };
  } catch (error) {
    const isClear =
      error instanceof FileError && error.message.startsWith(`${path}: `) && !error.message.includes('\n');
    if (!isClear) return { kind: 'wrong', found: String(error) };
    return { kind: 'error' in expected ? 'refused by both' : 'refused', found: error.message };
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Reads the tags of a TIFF's first directory, as far as they decide what the pixels mean or where they are. */
import { PictureError } from './picture-file.ts';

/** The tags that decide what the pixels mean. */
const TAGS = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  orientation: 274,
  samples: 277,
  planar: 284,
  colorMap: 320,
  inkSet: 332,
  extra: 338,
  format: 339,
} as const;

/** Where the pixels are: in strips or in tiles. Readers disagree about files that have both. */
const STRIPS = [273, 279];
const TILES = [322, 323, 324, 325];
const [TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES] = TILES as [number, number, number, number];

/** Bytes of a value, by the types that these tags have: short, long, and 8 bytes in BigTIFF. */
const TYPE_BYTES: Readonly<Record<number, number>> = { 3: 2, 4: 4, 16: 8 };
/** More values of one tag are not looked at: of a colour map, and of any other. */
const MOST_COLORS = 3 * 256;
const MOST_VALUES = 16;

export type Tag = keyof typeof TAGS;
export type Tags = Partial<Record<Tag, readonly number[]>>;

export interface Directory {
  readonly tags: Tags;
  readonly isTiled: boolean;
  /** Whether a tile has no place or no bytes in the file: libvips makes such tiles black, Pillow does not. */
  lacksTiles(): boolean;
  /** Writes the first value of a tag that is there, into the file's bytes. */
  write(tag: Tag, value: number): void;
}

/** Where the values of a tag are. */
interface Entry {
  readonly type: number;
  readonly count: number;
  /** Position of what is in the directory: the values, or where they are if that is too small. */
  readonly inline: number;
}

type Read = (at: number, size: number) => number;

/** @throws PictureError if the directory is damaged */
export function readTags(bytes: Buffer): Directory {
  const little = bytes[0] === 0x49;
  const read: Read = (at, size) => {
    if (at + size > bytes.length) damagedTiff('it ends too early');
    if (size === 8) return little ? read(at, 4) + 2 ** 32 * read(at + 4, 4) : read(at + 4, 4) + 2 ** 32 * read(at, 4);
    return little ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
  };
  const word = read(2, 2) === 43 ? 8 : 4;
  const entries = readEntries(bytes, read, word);
  const place = (name: string, { type, count, inline }: Entry) => {
    const size = TYPE_BYTES[type] ?? damagedTiff(`the type of its ${name}`);
    return { size, first: count * size <= word ? inline : read(inline, word) };
  };
  const tags: Tags = {};
  for (const [name, number] of Object.entries(TAGS) as [Tag, number][]) {
    const entry = entries.get(number);
    // A colour map beside other pixels has no meaning.
    if (!entry || (name === 'colorMap' && tags.photometric?.[0] !== 3)) continue;
    const { size, first } = place(name, entry);
    const most = name === 'colorMap' ? MOST_COLORS : MOST_VALUES;
    if (entry.count === 0 || entry.count > most) damagedTiff(`its ${name}`);
    tags[name] = Array.from({ length: entry.count }, (_, k) => read(first + k * size, size));
  }
  const isTiled = TILES.some((number) => entries.has(number));
  return {
    tags,
    isTiled,
    lacksTiles: () => {
      if (!isTiled) return false;
      const list = (number: number) => {
        const entry = entries.get(number) ?? damagedTiff('its tiles');
        const { size, first } = place('tiles', entry);
        return { count: entry.count, get: (k: number) => read(first + k * size, size) };
      };
      const [across, down] = [list(TILE_WIDTH), list(TILE_HEIGHT)].map(({ get }) => get(0)) as [number, number];
      const count = Math.ceil((tags.width?.[0] ?? 0) / across) * Math.ceil((tags.height?.[0] ?? 0) / down);
      const [offsets, lengths] = [list(TILE_OFFSETS), list(TILE_BYTES)];
      if (!(count <= Math.min(offsets.count, lengths.count))) return true;
      for (let k = 0; k < count; k++) {
        const [offset, length] = [offsets.get(k), lengths.get(k)];
        if (offset === 0 || length === 0 || offset + length > bytes.length) return true;
      }
      return false;
    },
    write: (tag, value) => {
      const { size, first } = place(tag, entries.get(TAGS[tag])!);
      bytes.fill(0, first, first + size);
      bytes[little ? first : first + size - 1] = value;
    },
  };
}

function readEntries(bytes: Buffer, read: Read, word: 4 | 8): ReadonlyMap<number, Entry> {
  const directory = read(word, word);
  const countBytes = word === 8 ? 8 : 2;
  const count = read(directory, countBytes);
  const entryBytes = 4 + 2 * word;
  if (directory + countBytes + count * entryBytes > bytes.length) damagedTiff('its directory');
  const entries = new Map<number, Entry>();
  for (let i = 0; i < count; i++) {
    const at = directory + countBytes + i * entryBytes;
    const number = read(at, 2);
    if (entries.has(number)) damagedTiff(`tag ${number} is there twice`);
    entries.set(number, { type: read(at + 2, 2), count: read(at + 4, word), inline: at + 4 + word });
  }
  if (STRIPS.some((tag) => entries.has(tag)) && TILES.some((tag) => entries.has(tag))) {
    damagedTiff('it has strips and tiles');
  }
  return entries;
}

export function damagedTiff(detail: string): never {
  throw new PictureError(`the image file is truncated or damaged (TIFF: ${detail})`);
}

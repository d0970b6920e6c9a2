/** Writes small picture files byte by byte: kinds that no library here writes. */

/** A bitmap; `rows` are the bytes of each row of the file, from its first, padded here, or of the whole if one Buffer. */
export interface BmpParts {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly rows: readonly (readonly number[])[] | Buffer;
  /** Bytes of the header: 12 is OS/2's. */
  readonly header?: number;
  readonly compression?: number;
  /** Blue, green, red (and 0, unless the header is OS/2's) of each colour. */
  readonly palette?: readonly number[];
  readonly colors?: number;
  readonly masks?: readonly number[];
  readonly topDown?: boolean;
}

export function bmpBytes(parts: BmpParts): Buffer {
  const { width, height, bits, rows, header = 40, compression = 0, palette = [], colors = 0, masks = [] } = parts;
  const data = Buffer.isBuffer(rows)
    ? rows
    : Buffer.concat(rows.map((row) => Buffer.concat([Buffer.from(row), Buffer.alloc(-row.length & 3)])));
  const info = Buffer.alloc(header);
  info.writeUInt32LE(header, 0);
  const fields = Buffer.alloc(4 * masks.length);
  for (const [i, mask] of masks.entries()) fields.writeUInt32LE(mask, 4 * i);
  if (header === 12) {
    for (const [i, value] of [width, height, 1, bits].entries()) info.writeUInt16LE(value, 4 + 2 * i);
  } else {
    info.writeInt32LE(width, 4);
    info.writeInt32LE(parts.topDown ? -height : height, 8);
    info.writeUInt16LE(1, 12);
    info.writeUInt16LE(bits, 14);
    info.writeUInt32LE(compression, 16);
    info.writeUInt32LE(colors, 32);
    if (header >= 108) fields.copy(info, 40);
  }
  const behind = header >= 108 ? Buffer.alloc(0) : fields;
  const start = 14 + header + behind.length + palette.length;
  const head = Buffer.alloc(14);
  head.write('BM');
  head.writeUInt32LE(start + data.length, 2);
  head.writeUInt32LE(start, 10);
  return Buffer.concat([head, info, behind, Buffer.from(palette), data]);
}

/** A little-endian TIFF of one uncompressed strip; `tags` are short numbers by tag. */
export function tiffBytes(
  width: number,
  height: number,
  data: Buffer,
  tags: Readonly<Record<number, number | readonly number[]>>,
): Buffer {
  const all: Record<number, number | readonly number[]> = {
    ...{ 256: width, 257: height, 259: 1, 273: 8, 278: height, 279: data.length },
    ...tags,
  };
  const padded = Buffer.concat([data, Buffer.alloc(data.length & 1)]);
  const entries = Object.entries(all);
  const place = 8 + padded.length;
  const directory = Buffer.alloc(2 + 12 * entries.length + 4);
  const rest: Buffer[] = [];
  let behind = place + directory.length;
  directory.writeUInt16LE(entries.length, 0);
  entries.forEach(([tag, value], i) => {
    const values = typeof value === 'number' ? [value] : value;
    const at = 2 + 12 * i;
    const packed = Buffer.alloc(Math.max(4, 2 * values.length));
    for (const [k, one] of values.entries()) packed.writeUInt16LE(one, 2 * k);
    directory.writeUInt16LE(Number(tag), at);
    directory.writeUInt16LE(3, at + 2);
    directory.writeUInt32LE(values.length, at + 4);
    if (packed.length === 4) packed.copy(directory, at + 8);
    else {
      directory.writeUInt32LE(behind, at + 8);
      rest.push(packed);
      behind += packed.length;
    }
  });
  const head = Buffer.from('II*\0\0\0\0\0', 'latin1');
  head.writeUInt32LE(place, 4);
  return Buffer.concat([head, padded, directory, ...rest]);
}

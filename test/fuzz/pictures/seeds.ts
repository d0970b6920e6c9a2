/** Pictures to mutate: each format in several kinds, all small. */
import { readFileSync } from 'node:fs';
import { loadSharp } from '../../../src/data/index.ts';
import { bmpBytes, tiffBytes } from '../../support/picture-bytes.ts';

export type Format = 'jpeg' | 'png' | 'webp' | 'tiff' | 'gif' | 'bmp' | 'pnm' | 'avif' | 'heic';
/** Pillow 9.4 reads none of these. */
export const WITHOUT_PILLOW: readonly Format[] = ['avif', 'heic'];

export interface PictureSeed {
  readonly name: string;
  readonly format: Format;
  readonly bytes: Buffer;
}

const WIDTH = 24;
const HEIGHT = 17;

/** Values with gradients, edges and noise; always the same. */
function values(count: number, most = 255): number[] {
  let state = 12345;
  return Array.from({ length: count }, (_, i) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const value = i % 5 === 0 ? state >>> 24 : (i * 7 + (i >> 4) * 3) & 255;
    return value % (most + 1);
  });
}

export async function pictureSeeds(): Promise<PictureSeed[]> {
  return [...(await sharpSeeds()), ...bmpSeeds(), ...pnmSeeds(), ...tiffSeeds(), ...heicSeeds()];
}

async function sharpSeeds(): Promise<PictureSeed[]> {
  const sharp = await loadSharp();
  const from = (channels: 1 | 2 | 3 | 4) =>
    sharp(Buffer.from(values(WIDTH * HEIGHT * channels)), { raw: { width: WIDTH, height: HEIGHT, channels } });
  const rgb = () => from(3);
  const frames = { raw: { width: WIDTH, height: HEIGHT * 2, channels: 3, pageHeight: HEIGHT } } as const;
  const animated = () => sharp(Buffer.from(values(WIDTH * HEIGHT * 6)), frames);
  const made: Record<string, Promise<Buffer>> = {
    'jpeg 4:2:0': rgb().jpeg({ chromaSubsampling: '4:2:0' }).toBuffer(),
    'jpeg 4:4:4': rgb().jpeg({ chromaSubsampling: '4:4:4', quality: 95 }).toBuffer(),
    'jpeg progressive': rgb().jpeg({ progressive: true }).toBuffer(),
    'jpeg grey': from(1).toColourspace('b-w').jpeg().toBuffer(),
    'jpeg cmyk': rgb().toColourspace('cmyk').jpeg().toBuffer(),
    'jpeg exif': rgb().withMetadata({ orientation: 6 }).jpeg().toBuffer(),
    'png rgb': rgb().png().toBuffer(),
    'png rgba interlaced': from(4).png({ progressive: true }).toBuffer(),
    'png palette': rgb().png({ palette: true, colours: 16 }).toBuffer(),
    'png two colours': rgb().png({ palette: true, colours: 2 }).toBuffer(),
    'png grey': from(1).toColourspace('b-w').png().toBuffer(),
    'png grey alpha': from(2).toColourspace('b-w').png().toBuffer(),
    'png 16 bit': rgb().toColourspace('rgb16').png().toBuffer(),
    'png grey 16 bit': from(1).toColourspace('grey16').png().toBuffer(),
    'webp lossy': rgb().webp().toBuffer(),
    'webp alpha': from(4).webp().toBuffer(),
    'webp lossless': from(4).webp({ lossless: true }).toBuffer(),
    'webp animated': animated().webp().toBuffer(),
    'tiff plain': rgb().tiff({ compression: 'none' }).toBuffer(),
    'tiff lzw predictor': rgb().tiff({ compression: 'lzw', predictor: 'horizontal' }).toBuffer(),
    'tiff deflate tiled': rgb().tiff({ compression: 'deflate', tile: true, tileWidth: 16, tileHeight: 16 }).toBuffer(),
    'tiff jpeg': rgb().tiff({ compression: 'jpeg' }).toBuffer(),
    'tiff packbits': from(4).tiff({ compression: 'packbits' }).toBuffer(),
    'tiff fax': from(1).toColourspace('b-w').tiff({ compression: 'ccittfax4', bitdepth: 1 }).toBuffer(),
    'tiff big': rgb().tiff({ compression: 'none', bigtiff: true }).toBuffer(),
    'tiff cmyk': rgb().toColourspace('cmyk').tiff({ compression: 'none' }).toBuffer(),
    'tiff oriented': rgb().withMetadata({ orientation: 8 }).tiff({ compression: 'lzw' }).toBuffer(),
    'png exif': rgb().withMetadata({ orientation: 5 }).png().toBuffer(),
    'webp exif': rgb().withMetadata({ orientation: 8 }).webp().toBuffer(),
    'avif lossy': rgb().avif({ effort: 0 }).toBuffer(),
    'avif alpha turned': from(4).withMetadata({ orientation: 6 }).avif({ effort: 0 }).toBuffer(),
    'avif grey lossless': from(1).toColourspace('b-w').avif({ effort: 0, lossless: true }).toBuffer(),
    'gif colours': rgb().gif().toBuffer(),
    'gif clear': from(4).gif({ colours: 8 }).toBuffer(),
    'gif interlaced': rgb().gif({ progressive: true, colours: 4 }).toBuffer(),
    'gif animated': animated().gif().toBuffer(),
  };
  return Promise.all(
    Object.entries(made).map(async ([name, bytes]) => {
      return { name, format: name.slice(0, name.indexOf(' ')) as Format, bytes: await bytes };
    }),
  );
}

function rows(bytes: number, most = 255): number[][] {
  const all = values(bytes * HEIGHT, most);
  return Array.from({ length: HEIGHT }, (_, y) => all.slice(y * bytes, (y + 1) * bytes));
}

function bmpSeeds(): PictureSeed[] {
  const size = { width: WIDTH, height: HEIGHT };
  const palette = (colors: number, entry: number) =>
    Array.from({ length: colors }, (_, i) => [i * 7, 255 - i * 3, i * i, 0].slice(0, entry)).flat();
  const runs8 = rows(1).flatMap(([value]) => [10, value!, 0, 4, 1, 2, 3, value!, 10, 7, 0, 0]);
  const runs4 = rows(1).flatMap(([value]) => [10, value!, 0, 4, 0x12, 0x34, 10, 7, 0, 0]);
  const masks = [0xff, 0xff00, 0xff0000, 0xff000000];
  const made: Record<string, Buffer> = {
    'bmp 24 bit': bmpBytes({ ...size, bits: 24, rows: rows(WIDTH * 3) }),
    'bmp 32 bit down': bmpBytes({ ...size, bits: 32, rows: rows(WIDTH * 4), topDown: true }),
    'bmp fields': bmpBytes({ ...size, bits: 32, rows: rows(WIDTH * 4), header: 108, compression: 3, masks }),
    'bmp 565': bmpBytes({ ...size, bits: 16, rows: rows(WIDTH * 2), compression: 3, masks: [0xf800, 0x7e0, 0x1f] }),
    'bmp 8 bit': bmpBytes({ ...size, bits: 8, rows: rows(WIDTH), palette: palette(256, 4) }),
    'bmp 4 bit': bmpBytes({ ...size, bits: 4, rows: rows(WIDTH / 2), palette: palette(16, 4) }),
    'bmp 1 bit': bmpBytes({ ...size, bits: 1, rows: rows(WIDTH / 8), palette: palette(2, 4) }),
    'bmp os/2': bmpBytes({ ...size, bits: 8, rows: rows(WIDTH), palette: palette(256, 3), header: 12 }),
    'bmp rle8': bmpBytes({
      ...size,
      bits: 8,
      rows: Buffer.from([...runs8, 0, 1]),
      palette: palette(256, 4),
      compression: 1,
    }),
    'bmp rle4': bmpBytes({
      ...size,
      bits: 4,
      rows: Buffer.from([...runs4, 0, 1]),
      palette: palette(16, 4),
      compression: 2,
    }),
  };
  return Object.entries(made).map(([name, bytes]) => ({ name, format: 'bmp', bytes }));
}

function pnmSeeds(): PictureSeed[] {
  const text = (most: number, channels: number) => values(WIDTH * HEIGHT * channels, most).join(' ');
  const raw = (count: number) => Buffer.from(values(count));
  const head = (kind: string, most?: number) =>
    Buffer.from(`${kind}\n# a note\n${WIDTH} ${HEIGHT}\n${most === undefined ? '' : `${most}\n`}`);
  const made: Record<string, Buffer> = {
    'pnm P1': Buffer.concat([head('P1'), Buffer.from(text(1, 1))]),
    'pnm P2': Buffer.concat([head('P2', 99), Buffer.from(text(99, 1)), Buffer.from('\n')]),
    'pnm P3': Buffer.concat([head('P3', 255), Buffer.from(text(255, 3)), Buffer.from('\n')]),
    'pnm P4': Buffer.concat([head('P4'), raw(Math.ceil(WIDTH / 8) * HEIGHT)]),
    'pnm P5': Buffer.concat([head('P5', 255), raw(WIDTH * HEIGHT)]),
    'pnm P5 wide': Buffer.concat([head('P5', 300), raw(WIDTH * HEIGHT * 2)]),
    'pnm P6': Buffer.concat([head('P6', 200), raw(WIDTH * HEIGHT * 3)]),
  };
  return Object.entries(made).map(([name, bytes]) => ({ name, format: 'pnm', bytes }));
}

function tiffSeeds(): PictureSeed[] {
  const data = (count: number) => Buffer.from(values(count));
  const rgba = { 258: [8, 8, 8, 8], 262: 2, 277: 4, 338: 2, 274: 6 };
  const palette = { 258: 4, 262: 3, 277: 1, 320: values(48).map((value) => value * 257) };
  const made: Record<string, Buffer> = {
    'tiff palette': tiffBytes(WIDTH, HEIGHT, data((WIDTH / 2) * HEIGHT), palette),
    'tiff rgba turned': tiffBytes(WIDTH, HEIGHT, data(WIDTH * HEIGHT * 4), rgba),
    'tiff grey 16 bit': tiffBytes(WIDTH, HEIGHT, data(WIDTH * HEIGHT * 2), { 258: 16, 262: 1, 277: 1 }),
    'tiff white 0': tiffBytes(WIDTH, HEIGHT, data(WIDTH * HEIGHT), { 258: 8, 262: 0, 277: 1 }),
  };
  return Object.entries(made).map(([name, bytes]) => ({ name, format: 'tiff', bytes }));
}

/** Nothing here writes HEIC, so these are files: `test/data/make-heic.py` has drawn them. */
function heicSeeds(): PictureSeed[] {
  return ['upright', 'turned'].map((name) => ({
    name: `heic ${name}`,
    format: 'heic',
    bytes: readFileSync(new URL(`../../golden/data/heic/${name}.heic`, import.meta.url)),
  }));
}

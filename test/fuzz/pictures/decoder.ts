/**
 * The process that decodes mutated pictures: each message is a path, and its answer what came of it. `warned` tells that
 * sharp found fault with the bytes though it gave pixels.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type DecodeOptions, decode, loadSharp, readSize } from '../../../src/data/index.ts';
import { FileError } from '../../../src/errors.ts';
import { peakMemory } from '../../support/peak-memory.ts';
import { MAX_PIXELS, type Ours } from './judge.ts';

process.on('message', (path: string) => {
  void answer(path).then((ours) => process.send!(ours));
});

async function answer(path: string): Promise<Ours> {
  const result = await decodeOne(path);
  return { ...result, rss: peakMemory() };
}

async function decodeOne(path: string): Promise<Omit<Ours, 'rss'>> {
  const options = { maxPixels: MAX_PIXELS };
  try {
    const asStored = { ...options, ignoreOrientation: true };
    const { width, height, pixels } = await decode(path, asStored);
    const sha256 = createHash('sha256').update(pixels).digest('hex');
    const problem = (await problemOf(path, asStored)) ?? (await problemOf(path, options));
    return { width, height, sha256, warned: await warns(path), problem };
  } catch (error) {
    const isClear =
      error instanceof FileError && error.message.startsWith(`${path}: `) && !error.message.includes('\n');
    return { refusal: (error as Error).message, problem: isClear ? undefined : `unclear error: ${error}` };
  }
}

/** Whether the header says another size than decoding gives. */
async function problemOf(path: string, options: DecodeOptions): Promise<string | undefined> {
  const { width, height, pixels } = await decode(path, options);
  const size = await readSize(path, options);
  const isRight = size.width === width && size.height === height && pixels.length === width * height * 3;
  return isRight ? undefined : `its header says ${size.width}×${size.height}, it has ${width}×${height}`;
}

async function warns(path: string): Promise<boolean> {
  const bytes = readFileSync(path);
  // Our own readers fail at any fault.
  if (/^(BM|P[1-6])/.test(bytes.toString('latin1', 0, 2))) return false;
  const sharp = await loadSharp();
  try {
    await sharp(bytes, { failOn: 'warning', limitInputPixels: false }).raw().toBuffer();
    return false;
  } catch {
    return true;
  }
}

/** AVIF by sharp. It is turned as the container says, which is part of the format; an EXIF inside has no say. */
import { checkSizes } from './heif-boxes.ts';
import { openWithSharp } from './sharp-source.ts';
import type { Source } from './source.ts';

/** Opens an AVIF. @throws PictureError if a picture in it is too large; errors of sharp. `decode` likewise */
export async function openAvif(bytes: Buffer, maxPixels: number): Promise<Source> {
  checkSizes(bytes, maxPixels);
  return openWithSharp(bytes, 'avif');
}

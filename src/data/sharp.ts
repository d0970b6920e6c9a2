/** The picture library sharp, an optional dependency. */
import type Sharp from 'sharp';
import { loadOptional } from '../optional.ts';

let loading: Promise<typeof Sharp> | undefined;

/**
 * Loads sharp on first use.
 * @throws MissingPackageError
 */
export function loadSharp(): Promise<typeof Sharp> {
  loading ??= loadOptional('sharp', 'Reading or writing pictures', async () => {
    const { default: sharp } = await import('sharp');
    // Each picture is decoded once, on one of our threads: libvips' own threads and caches are only overhead.
    sharp.concurrency(1);
    sharp.cache(false);
    return sharp;
  });
  return loading;
}

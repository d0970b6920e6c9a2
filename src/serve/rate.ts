/** Limits the pictures of each client. */
import { isIPv6 } from 'node:net';
import { loadOptional } from '../optional.ts';
import { Refused } from './body.ts';

/** Seconds. */
const WINDOW = 60;

/** Counts pictures of a client. @throws Refused with status 429 if there were too many in this minute */
export type Consume = (address: string | undefined, pictures: number) => Promise<void>;

/**
 * @param perMinute pictures of one client; 0: no limit
 * @throws MissingPackageError if rate-limiter-flexible is not installed
 */
export async function openLimiter(perMinute: number): Promise<Consume> {
  if (perMinute === 0) return async () => {};
  const { RateLimiterMemory, RateLimiterRes } = await loadOptional(
    'rate-limiter-flexible',
    "A server's limit on the rate",
    () => import('rate-limiter-flexible'),
  );
  const limiter = new RateLimiterMemory({ points: perMinute, duration: WINDOW });
  return async (address, pictures) => {
    try {
      await limiter.consume(clientOf(address), pictures);
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      const wait = Math.max(1, Math.ceil(error.msBeforeNext / 1000));
      throw new Refused(429, `More than ${perMinute} pictures in a minute. Try again in ${wait} s.`, wait);
    }
  };
}

/** The client behind an address. Of IPv6, a client has a whole /64. */
export function clientOf(address = ''): string {
  const plain = address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/, '');
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array<string>(Math.max(0, zeros)).fill('0'), ...after].slice(0, 4).join(':');
}

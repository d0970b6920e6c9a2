/** A process that behaves as `child.ts`, but crashes and hangs at some cases. For the tests. */
import type { Answer, Order } from './child.ts';
import { PLANTED } from './planted.ts';

process.on('message', (order: Order) => {
  const has = (index: number) => order.from <= index && index < order.to;
  if (has(PLANTED.crash)) process.exit(9);
  // Nothing ends it but the watchdog.
  while (has(PLANTED.hang));
  process.send!({ order, read: 1, kept: [], failures: [], slowestMs: 1, peak: 1 } satisfies Answer);
});
process.on('disconnect', () => process.exit(0));

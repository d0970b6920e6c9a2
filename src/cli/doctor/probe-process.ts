/**
 * The doctor's child process: tells what it finds as lines of JSON. A driver that crashes takes only this process with it,
 * and what was told before still stands.
 */
import { writeSync } from 'node:fs';
import type { AdapterPreference } from '../../gpu/dawn.ts';
import type { ProbeMessage } from './types.ts';

function tell(message: ProbeMessage): void {
  writeSync(1, `${JSON.stringify(message)}\n`);
}

try {
  // Not at the top: where Dawn's library does not load, that is to be told too.
  const { probe } = await import('./probe.ts');
  await probe((process.argv[2] ?? 'high-performance') as AdapterPreference, tell);
} catch (error) {
  tell({ stage: 'failed', message: error instanceof Error ? error.message : String(error) });
}
// At once: a device that is still open would keep Node waiting.
process.exit(0);

/**
 * The doctor's child process: reports its findings as lines of JSON. A driver that crashes ends only this process, and
 * the findings reported before still count.
 */
import { writeSync } from 'node:fs';
import type { AdapterPreference } from '../../gpu/dawn.ts';
import type { ProbeMessage } from './types.ts';

function tell(message: ProbeMessage): void {
  writeSync(1, `${JSON.stringify(message)}\n`);
}

try {
  // Not a static import: the failure to load Dawn's library must be reported too.
  const { probe } = await import('./probe.ts');
  await probe((process.argv[2] ?? 'high-performance') as AdapterPreference, tell);
} catch (error) {
  tell({ stage: 'failed', message: error instanceof Error ? error.message : String(error) });
}
// A device that is still open would keep Node from exiting.
process.exit(0);

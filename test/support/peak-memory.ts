/** The largest resident memory of this process so far. */
import { readFileSync } from 'node:fs';

/**
 * In bytes. Not `maxRSS` where Linux says better: a process that was started by a large one inherits that one's peak.
 */
export function peakMemory(): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}

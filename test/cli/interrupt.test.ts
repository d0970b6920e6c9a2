/** Signals: the first stops a command with its own status, the second ends it whatever the command is doing. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'dawngrad-interrupt-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const script = fileURLToPath(new URL('./interrupt-script.ts', import.meta.url));

/** Sends the signals one by one: the first when the program is ready, each other when it has answered. */
function run(args: readonly string[], signals: readonly NodeJS.Signals[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  let sent = 0;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    const due = (stderr.includes('ready') ? 1 : 0) + (stderr.includes('interrupt again') ? 1 : 0);
    for (; sent < Math.min(due, signals.length); sent++) child.kill(signals[sent]);
  });
  return new Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stderr }));
  });
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s: the first one stops with status %i', async (signal, status) => {
  expect(await run(['waits'], [signal])).toMatchObject({
    code: status,
    signal: null,
    stderr: 'ready\n\nStopping soon; interrupt again to stop at once.\n',
  });
  expect(status).toBe(128 + constants.signals[signal]);
});

test.skipIf(process.platform === 'win32').each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'the second %s ends a program of which a thread hangs in a read',
  async (signal) => {
    const fifo = join(root, signal);
    execFileSync('mkfifo', [fifo]);
    // Dying by the signal itself is what a shell shows as 130, 143 and 129.
    expect(await run(['stuck', fifo], ['SIGTERM', signal])).toMatchObject({ code: null, signal });
  },
);

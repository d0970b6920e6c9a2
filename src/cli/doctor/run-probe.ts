/** Runs the probe in a child process and interprets its output, even if it crashes or hangs. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { AdapterPreference } from '../../gpu/dawn.ts';
import type { Probe, ProbeMessage } from './types.ts';

/** A driver's first run compiles shaders, in seconds on two busy cores. A driver that takes this long hangs. */
const TIMEOUT_MS = 120_000;

/** How a child process ended, and its output. */
export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
  readonly signal: string | null;
  /** Why it did not start, or why this process ended it. */
  readonly error?: string | undefined;
}

/** @param script replaces the doctor's own child process in tests */
export async function runProbe(preference: AdapterPreference, script?: string, timeout = TIMEOUT_MS): Promise<Probe> {
  return readProbe(await runChild([...(script ? [script] : ownScript()), preference], timeout));
}

/** Built code runs as it is. The sources need tsx, resolved from here so that the working directory does not matter. */
function ownScript(): string[] {
  const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  if (!import.meta.url.endsWith('.ts')) return [path('./probe-process.js')];
  return ['--import', import.meta.resolve('tsx'), path('./probe-process.ts')];
}

function runChild(args: readonly string[], timeout: number): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    let error: string | undefined;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const timer = setTimeout(() => {
      error = `did not answer within ${timeout / 1000} s`;
      child.kill('SIGKILL');
    }, timeout);
    child.on('error', ({ message }) => {
      error ??= message;
    });
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      resolve({ stdout, stderr, status, signal, error });
    });
  });
}

/**
 * Dawn writes two such lines to stderr when it lists an adapter such as lavapipe. They are harmless: no kernel uses
 * dynamic offsets. Dawn has no switch for them, and they bypass its logging callbacks (`NormalizeLimits` in its
 * Limits.cpp). The doctor removes them from the output of its child process. In the main process they stay, because
 * Node cannot redirect its stderr.
 */
export const DAWNS_WARNING =
  /^Warning: maxDynamic(Uniform|Storage)BuffersPerPipelineLayout artificially reduced from \d+ to \d+ to fit dynamic offset allocation limit\.$/;

/** Stack traces in Dawn's own sources, and empty lines: they help nobody either. */
const NOISE = /^\s*at |^\s*$/;

/** How many lines of stderr are shown at most. */
const LOG_LINES = 8;

/** Interprets the output. A child may crash after its last message, as drivers do on exit; then nothing is missing. */
export function readProbe({ stdout, stderr, status, signal, error }: Ended): Probe {
  const messages = stdout.split('\n').flatMap((line) => parse(line));
  const of = <S extends ProbeMessage['stage']>(stage: S) =>
    messages.find((message): message is Extract<ProbeMessage, { stage: S }> => message.stage === stage);
  const adapters = of('adapters');
  const device = of('device');
  const check = of('check');
  let failure = of('failed')?.message ?? null;
  if (!failure && !check) {
    const how = error ?? (signal ? `was ended by ${signal}` : `ended with status ${status}`);
    const during = device ? 'computed' : adapters ? 'opened a device' : 'asked for adapters';
    failure = `the process that ${during} ${how}`;
  }
  return {
    answers: adapters?.answers ?? [],
    traits: device?.traits ?? null,
    check: check?.check ?? null,
    failure,
    log: failure ? tellingLines(stderr).slice(-LOG_LINES) : [],
  };
}

/** The lines that may explain the failure, each once. */
function tellingLines(stderr: string): string[] {
  return [...new Set(stderr.split('\n'))].filter((line) => !DAWNS_WARNING.test(line) && !NOISE.test(line));
}

/** A driver may write to stdout too, and a crash may cut a line short. */
function parse(line: string): ProbeMessage[] {
  if (!line.startsWith('{"stage":')) return [];
  try {
    return [JSON.parse(line) as ProbeMessage];
  } catch {
    return [];
  }
}

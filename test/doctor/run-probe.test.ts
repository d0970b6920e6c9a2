/** How the doctor interprets its child process, including one that crashes or hangs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Ended, readProbe, runProbe } from '../../src/cli/doctor/run-probe.ts';
import type { ProbeMessage } from '../../src/cli/doctor/types.ts';
import { temporaryFolder } from '../train/support.ts';
import { ADAPTER, CHECK, TRAITS } from './findings.ts';

const MESSAGES: readonly ProbeMessage[] = [
  { stage: 'adapters', answers: [{ asked: 'high-performance', found: ADAPTER }] },
  { stage: 'device', traits: TRAITS },
  { stage: 'check', check: CHECK },
];

const lines = (messages: readonly ProbeMessage[]) => messages.map((message) => `${JSON.stringify(message)}\n`).join('');
const ended = (told: string, other: Partial<Ended> = {}) =>
  readProbe({ stdout: told, stderr: '', status: 0, signal: null, ...other });

describe('readProbe', () => {
  test('after the last message it does not matter how the child ended', () => {
    const whole = { answers: [{ asked: 'high-performance', found: ADAPTER }], traits: TRAITS, check: CHECK };
    const result = ended(`a driver says hello\n${lines(MESSAGES)}`, {
      status: null,
      signal: 'SIGSEGV',
      stderr: 'noise',
    });
    expect(result).toEqual({ ...whole, failure: null, log: [] });
  });

  test.each([
    [0, 'asked for adapters'],
    [1, 'opened a device'],
    [2, 'computed'],
  ])('a crash after %i messages names the step', (count, during) => {
    const result = ended(lines(MESSAGES.slice(0, count)), { status: null, signal: 'SIGSEGV' });
    expect(result.failure).toBe(`the process that ${during} was ended by SIGSEGV`);
    expect(result.answers).toHaveLength(count > 0 ? 1 : 0);
  });

  test('a message that was cut short does not count', () => {
    expect(ended(lines(MESSAGES).slice(0, -20), { status: 134 })).toMatchObject({
      check: null,
      failure: 'the process that computed ended with status 134',
    });
  });

  test('a reported error is the failure, with the lines of stderr about it', () => {
    const told = lines([...MESSAGES.slice(0, 1), { stage: 'failed', message: 'no such thing' }]);
    const dawns = ['Uniform', 'Storage'].map(
      (kind) =>
        `Warning: maxDynamic${kind}BuffersPerPipelineLayout artificially reduced from 1000000 to 16 to fit dynamic offset ` +
        'allocation limit.',
    );
    const other = 'Warning: maxBufferSize artificially reduced from 2 to 1.';
    const stderr = [...dawns, 'bad driver', '    at Dawn.cpp:1', '', 'bad driver', 'worse driver', other, ''].join(
      '\n',
    );
    const log = ['bad driver', 'worse driver', other];
    expect(ended(told, { stderr })).toMatchObject({ failure: 'no such thing', log });
  });
});

describe('runProbe', () => {
  const folder = temporaryFolder();
  const script = (name: string, code: string) => {
    const path = join(folder, `${name}.mjs`);
    writeFileSync(path, code);
    return path;
  };
  const first = JSON.stringify(lines(MESSAGES.slice(0, 1)));

  test('a driver that crashes ends the child, but not this process', async () => {
    const crash = script('crash', `process.stdout.write(${first}, () => process.kill(process.pid, 'SIGSEGV'));`);
    const { answers, failure } = await runProbe('high-performance', crash);
    expect(answers[0]?.found).toEqual(ADAPTER);
    expect(failure).toMatch(/^the process that opened a device was ended by SIGSEGV$/);
  });

  test('a driver that hangs is stopped after the timeout', async () => {
    const hang = script('hang', `process.stdout.write(${first}); setInterval(() => {}, 1000);`);
    const { failure } = await runProbe('high-performance', hang, 1500);
    expect(failure).toBe('the process that opened a device did not answer within 1.5 s');
  });
});

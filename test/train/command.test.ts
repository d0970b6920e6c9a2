/** `npm run train` as a program: its output on stdout and stderr, its exit status, and Ctrl-C. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Judgement } from '../../src/judge/index.ts';
import type { PhaseMetrics, RunSummary } from '../../src/train/index.ts';
import { readSafetensors } from '../../src/weights/index.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPictures, readJson, readJsonLines, runCommand, TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

const { gpuTest } = await withGpu();
const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));
const TINY_FLAGS = ['--data', data, '--weights', 'none', '--image-size', '32', '--workers', '2', '--threads', '1'];

gpuTest(
  'stdout gets the tutorial’s lines, stderr everything else, and the program ends by itself',
  async () => {
    const out = join(root, 'lines');
    const { code, signal, stdout, stderr } = await runCommand([...TINY_FLAGS, '--epochs', '2', '--out', out]);
    expect({ code, signal }, stderr).toEqual({ code: 0, signal: null });
    const [first, second, third, fourth] = readJsonLines<PhaseMetrics>(out, 'metrics.jsonl');
    const line = ({ phase, loss, acc }: PhaseMetrics) => `${phase} Loss: ${loss.toFixed(4)} Acc: ${acc.toFixed(4)}`;
    const { bestValAcc } = readJson<RunSummary>(out, 'summary.json');
    const [tutorial, judged] = stdout.split('\nJudged on val');
    expect(tutorial!.replace(/complete in \d+m \d+s/, 'complete in <time>').split('\n')).toEqual([
      'Epoch 0/1',
      '----------',
      line(first!),
      line(second!),
      '',
      'Epoch 1/1',
      '----------',
      line(third!),
      line(fourth!),
      '',
      'Training complete in <time>',
      `Best val Acc: ${bestValAcc.toFixed(6)}`,
      '',
    ]);
    const { epoch, right } = readJson<Judgement>(out, 'judgement.json');
    expect(judged).toMatch(new RegExp(`^ \\(weights of epoch ${epoch}\\): ${right} of 8 right, `));
    expect(judged).toMatch(/^discs +\d of 4 +\d\.\d{3} +\d\.\d{3} +\d\.\d{3}$/m);
    expect(judged).toMatch(/^8 pictures are too few to tell how good it is: .+ uncertain by ± \d+\.\d points\./m);
    expect(stderr).toMatch(/^Device: .+ \((software|hardware)\)$/m);
    expect(stderr).toMatch(/^Memory: [\d.]+ MiB on the device \(at most, not all at once: parameters 42\.6 MiB, /m);
    expect(stderr).toMatch(/^Weights: None: every weight of the resnet18 is drawn\.$/m);
    expect(stderr.trimEnd().split('\n').at(-2)).toBe(
      `Pictures drawn in ${out}: train-batch.png, curves.png, predictions.png, confusion.png, top-losses.png`,
    );
    expect(stderr).toContain(`\nReport: ${join(out, 'report.html')}`);
    expect(stderr).toMatch(/^epoch 0\/1 train 1\/3 \| loss \d\.\d{4} \| [\d.]+ images\/s$/m);
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  '--json: stdout gets a line of JSON per epoch and phase and nothing else; --mode both gives two runs',
  async () => {
    const out = join(root, 'both');
    const { code, stdout, stderr } = await runCommand([
      ...TINY_FLAGS,
      '--epochs',
      '1',
      '--mode',
      'both',
      '--json',
      '--out',
      out,
    ]);
    expect(code, stderr).toBe(0);
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as PhaseMetrics & { mode: string });
    const of = (mode: string) => rows.filter((row) => row.mode === mode).map(({ mode: _, ...metrics }) => metrics);
    expect(rows.map(({ mode, epoch, phase }) => [mode, epoch, phase])).toEqual([
      ['finetune', 0, 'train'],
      ['finetune', 0, 'val'],
      ['extract', 0, 'train'],
      ['extract', 0, 'val'],
    ]);
    for (const mode of ['finetune', 'extract']) {
      expect(readdirSync(join(out, mode))).toHaveLength(13);
      expect(readJson(out, mode, 'summary.json')).toMatchObject({ mode, epochs: 1, interrupted: false });
      expect(readJsonLines(out, mode, 'metrics.jsonl')).toEqual(of(mode));
    }
    // Each mode starts from the seed: same weights, same first batch, before the first step.
    const firstLoss = /epoch 0\/0 train 1\/3 \| loss (\d\.\d{4})/g;
    const [finetune, extract] = Array.from(stderr.matchAll(firstLoss), ([, loss]) => loss);
    expect(extract).toBe(finetune);
  },
  TRAINING_TIMEOUT,
);

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  gpuTest(
    `${signal} finishes the step, keeps the state, and ends with status ${status}; the run goes on from there`,
    async () => {
      const out = join(root, signal);
      let sent = false;
      const flags = [...TINY_FLAGS, '--epochs', '2', '--out', out];
      const { code, stdout, stderr } = await runCommand(flags, (text, kill) => {
        if (sent || !/ train 1\/3 /.test(text)) return;
        sent = true;
        kill(signal);
      });
      expect(code, stderr).toBe(status);
      expect(stderr).toMatch(/Stopping after the current step/);
      expect(stderr).toMatch(/Stopped after \d+ of 2 epochs/);
      expect(stdout).not.toMatch(/Training complete/);
      expect(readJson<RunSummary>(out, 'summary.json')).toMatchObject({ interrupted: true });
      expect(readSafetensors(join(out, 'best.safetensors')).tensors.size).toBe(122);
      expect(readdirSync(out).filter((file) => file.endsWith('.tmp') || file === '.lock')).toEqual([]);
      if (signal !== 'SIGTERM') return;
      const again = await runCommand(['--resume', out]);
      expect(again.code, again.stderr).toBe(0);
      expect(readJson<RunSummary>(out, 'summary.json')).toMatchObject({ epochs: 2, interrupted: false });
    },
    TRAINING_TIMEOUT,
  );
}

gpuTest(
  'a second signal ends the program at once, by that signal',
  async () => {
    const out = join(root, 'twice');
    let sent = 0;
    const { code, signal, stderr } = await runCommand([...TINY_FLAGS, '--out', out], (text, kill) => {
      const due = (/ train 1\/3 /.test(text) ? 1 : 0) + (text.includes('interrupt again') ? 1 : 0);
      for (; sent < due; sent++) kill('SIGTERM');
    });
    expect({ code, signal }, stderr).toEqual({ code: null, signal: 'SIGTERM' });
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'a signal while pictures are checked ends the program with its status, and writes nothing',
  async () => {
    const out = join(root, 'early');
    const slow = join(root, 'slow-check.mjs');
    // The first picture that is checked sends the signal.
    const hook = `
      import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const { openSync } = fs;
      fs.openSync = (path, ...rest) => {
        if (String(path).endsWith('0.png')) process.kill(process.pid, 'SIGTERM');
        return openSync(path, ...rest);
      };
      syncBuiltinESMExports();`;
    writeFileSync(slow, hook);
    const flags = [...TINY_FLAGS.slice(0, -1), '0', '--out', out];
    const { code, stderr } = await runCommand(flags, undefined, { NODE_OPTIONS: `--import ${slow}` });
    expect(code, stderr).toBe(143);
    expect(stderr).toContain('Stopped before the first step; nothing was written.');
    expect(existsSync(out)).toBe(false);
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'a failure is told without a stack, with its status, and a folder in which nothing was finished is used again',
  async () => {
    const out = join(root, 'failed');
    const flags = [...TINY_FLAGS, '--mode', 'extract', '--epochs', '1', '--out', out, '--safe'];
    const failed = await runCommand([...flags, '--lr', '1e30']);
    expect(failed.code, failed.stderr).toBe(3);
    expect(failed.stdout).toBe('Epoch 0/0\n----------\n');
    expect(failed.stderr).toMatch(
      /^train: The loss grew to .* in epoch 0, train step 1 .*Pictures of this step: train\//m,
    );
    expect(failed.stderr).toMatch(
      /^No epoch was finished, so there are no weights to keep; the folder can be used again\.$/m,
    );
    expect(failed.stderr).not.toMatch(/ at .*\.ts:\d+|best weights|--resume/);

    const again = await runCommand(flags);
    expect(again.code, again.stderr).toBe(0);
    expect(readJsonLines(out, 'metrics.jsonl')).toHaveLength(2);
    const third = await runCommand(flags);
    expect(third.code).toBe(2);
    expect(third.stderr).toContain(`or go on with --resume ${out}`);
  },
  TRAINING_TIMEOUT,
);

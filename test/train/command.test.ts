/** `npm run train` as a program: its output on stdout and stderr, its exit status, and Ctrl-C. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
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
    expect(stdout.replace(/complete in \d+m \d+s/, 'complete in <time>').split('\n')).toEqual([
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
    expect(stderr).toMatch(/^Device: .+ \((software|hardware)\)$/m);
    expect(stderr).toMatch(/^Memory: [\d.]+ MiB on the device \(at most, not all at once: parameters 42\.6 MiB, /m);
    expect(stderr).toMatch(/^Weights: None: every weight of the resnet18 is drawn\.$/m);
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(
      `Pictures drawn in ${out}: train-batch.png, curves.png, predictions.png`,
    );
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
      expect(readdirSync(join(out, mode))).toHaveLength(8);
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

for (const [signal, name] of [
  ['SIGINT', 'Ctrl-C'],
  ['SIGTERM', 'SIGTERM'],
] as const) {
  gpuTest(
    `${name} finishes the step, keeps the best weights, and ends with status 130`,
    async () => {
      const out = join(root, signal);
      let sent = false;
      const { code, stdout, stderr } = await runCommand([...TINY_FLAGS, '--out', out], (text, kill) => {
        if (sent || !/ train 1\/3 /.test(text)) return;
        sent = true;
        kill(signal);
      });
      expect(code, stderr).toBe(130);
      expect(stderr).toMatch(/Stopping after the current step/);
      expect(stderr).toMatch(/Stopped after \d+ of 25 epochs/);
      expect(stdout).not.toMatch(/Training complete/);
      const summary = readJson<RunSummary>(out, 'summary.json');
      expect(summary).toMatchObject({ interrupted: true });
      expect(summary.epochs).toBeLessThan(25);
      expect(readSafetensors(join(out, 'best.safetensors')).tensors.size).toBe(122);
      expect(readdirSync(out).filter((file) => file.endsWith('.tmp'))).toEqual([]);
    },
    TRAINING_TIMEOUT,
  );
}

gpuTest(
  'a second Ctrl-C ends the program at once',
  async () => {
    const out = join(root, 'twice');
    let sent = 0;
    const { code, signal, stderr } = await runCommand([...TINY_FLAGS, '--out', out], (text, kill) => {
      const due = (/ train 1\/3 /.test(text) ? 1 : 0) + (text.includes('interrupt again') ? 1 : 0);
      for (; sent < due; sent++) kill('SIGINT');
    });
    expect({ code, signal }, stderr).toEqual({ code: 130, signal: null });
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'a failure is one sentence on stderr and status 1',
  async () => {
    const flags = [...TINY_FLAGS, '--lr', '1e30', '--out', join(root, 'failed'), '--safe'];
    const { code, stdout, stderr } = await runCommand(flags);
    expect(code, stderr).toBe(1);
    expect(stdout).toBe('Epoch 0/24\n----------\n');
    expect(stderr).toMatch(/^train: The loss became .* in epoch 0, train step [12] /m);
    expect(stderr).not.toMatch(/ at .*\.ts:\d+/);
  },
  TRAINING_TIMEOUT,
);

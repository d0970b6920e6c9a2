/** The line that tells on a terminal what a run does before its first step. */
import { expect, test } from 'vitest';
import { TrainReport } from '../../src/cli/train-report.ts';

function report(isTTY: boolean, columns = 80) {
  let text = '';
  const stderr = { isTTY, columns, write: (more: string) => (text += more) };
  const stdout = { write: () => {} };
  return { report: new TrainReport({ stdout, stderr, json: false }), written: () => text };
}

/** What the terminal shows at last: each line behind its last removal. */
const shown = (text: string) => text.split('\n').map((line) => line.split('\u001b[2K').at(-1)!.trimEnd());

test('tells each stage, and the check of pictures beside it', () => {
  const { report: one, written } = report(true);
  one.preparing({ stage: 'files' });
  expect(shown(written())).toEqual(['Preparing: reading files']);
  one.picturesChecked({ done: 3, total: 40, decoded: true });
  one.preparing({ stage: 'kernels', done: 0, total: 60 });
  expect(shown(written())).toEqual(['Preparing: compiling kernels 0/60, decoding pictures 3/40']);
  one.note('A line of its own.');
  expect(shown(written())).toEqual(['A line of its own.', '']);
  one.preparing({ stage: 'tuning', done: 1, total: 2 });
  expect(shown(written())).toEqual(['A line of its own.', 'Preparing: tuning kernels 1/2, decoding pictures 3/40']);
  one.stopBar();
  expect(shown(written())).toEqual(['A line of its own.', '']);
});

test('fits a narrow terminal', () => {
  const { report: one, written } = report(true, 20);
  one.preparing({ stage: 'device' });
  expect(shown(written())[0]).toBe('Preparing: opening…');
});

test('without a terminal writes nothing', () => {
  const { report: one, written } = report(false);
  one.preparing({ stage: 'files' });
  one.picturesChecked({ done: 1, total: 40, decoded: true });
  one.preparing({ stage: 'kernels', done: 1, total: 2 });
  expect(written()).toBe('');
});

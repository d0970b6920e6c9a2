/** Curves: the places of points, the styles of phases, and the texts. */
import { expect, test } from 'vitest';
import { drawPanel, FIELD, type Panel, placeSteps } from '../../src/pictures/chart.ts';
import { type CurvePoint, curvesCanvas, drawCurves, PHASE_STYLES, rateSteps } from '../../src/pictures/curves.ts';
import { loadTypefaces } from '../../src/pictures/text.ts';
import { hasWhiteEdge, type Pixels, pixelsOf } from './support.ts';

const faces = await loadTypefaces();

/** A run of `epochs` epochs with the tutorial's steps. */
function run(epochs: number, values: (epoch: number, phase: 'train' | 'val') => Partial<CurvePoint> = () => ({})) {
  return Array.from({ length: epochs }, (_, epoch) =>
    (['train', 'val'] as const).map(
      (phase): CurvePoint => ({
        epoch,
        phase,
        loss: (phase === 'train' ? 0.6 : 0.4) / (1 + epoch / 5),
        acc: 1 - (phase === 'train' ? 0.4 : 0.2) / (1 + epoch / 5),
        lr: 0.001 * 0.1 ** Math.floor(epoch / 7),
        ...values(epoch, phase),
      }),
    ),
  ).flat();
}

test.each([1, 3, 25, 100])('%i epochs: nothing is cut off, everything is outlined', async (epochs) => {
  const canvas = await curvesCanvas({ points: run(epochs), bestEpoch: epochs - 1 });
  expect(canvas.svg()).not.toMatch(/<text|<style|font-family/);
  expect(canvas.texts.map(({ text }) => text)).toEqual([
    'train',
    'val',
    `best weights: epoch ${epochs - 1}, val acc ${(1 - 0.2 / (1 + (epochs - 1) / 5)).toFixed(4)}`,
    'Loss',
    'epoch',
    'Accuracy',
    'epoch',
  ]);
  for (const { box } of canvas.texts) expect(box!.right).toBeLessThan(canvas.width - 20);
  // This includes the learning rates above the field; the last one is far to the right.
  expect(hasWhiteEdge(await pixelsOf(await canvas.png()), 16)).toBe(true);
});

const FLAT: Panel = {
  width: 460,
  height: 290,
  series: [],
  y: { domain: [0, 1], format: (value) => value.toFixed(1) },
  epochs: [0, 24],
  steps: rateSteps(run(25)),
  rings: [],
};

test('the numbers beside a panel, and the learning rates above it', async () => {
  const { labels } = await drawPanel(FLAT, faces);
  expect(labels).toEqual(expect.arrayContaining(['0.0', '0.2', '1.0', '0', '5', '20']));
  expect(labels.filter((label) => label.startsWith('lr'))).toEqual(['lr 1e-3', 'lr 1e-4', 'lr 1e-5', 'lr 1e-6']);
  const one = await drawPanel({ ...FLAT, epochs: [0, 0], steps: [] }, faces);
  expect(one.labels.filter((label) => !label.includes('.'))).toEqual(['0']);
});

test('ticks are whole epochs of the run', async () => {
  for (const last of [0, 1, 2, 3, 7, 9, 24, 99, 399]) {
    const { labels } = await drawPanel({ ...FLAT, epochs: [0, last], steps: [] }, faces);
    const epochs = labels.filter((label) => /^\d+$/.test(label)).map(Number);
    expect(epochs[0]).toBe(0);
    expect(epochs.at(-1)).toBeLessThanOrEqual(last);
    expect(epochs.length).toBeLessThan(11);
    if (last > 0) expect(epochs.length).toBeGreaterThan(1);
    if (last <= 7) expect(epochs).toEqual(Array.from({ length: last + 1 }, (_, i) => i));
  }
});

test('the learning rate is shown where it changes', () => {
  expect(rateSteps(run(16))).toEqual([
    { epoch: 0, label: 'lr 1e-3' },
    { epoch: 7, label: 'lr 1e-4' },
    { epoch: 14, label: 'lr 1e-5' },
  ]);
  const labels = [0.1, 0.025, 0.00025, 0.1 * 0.1 * 0.1, 1e-17, 0, 2].map(
    (lr) => rateSteps(run(1, () => ({ lr })))[0]!.label,
  );
  expect(labels).toEqual(['lr 0.1', 'lr 0.025', 'lr 2.5e-4', 'lr 1e-3', 'lr 1e-17', 'lr 0', 'lr 2']);
  expect(rateSteps(run(9, () => ({ lr: 0.5 })))).toHaveLength(1);
});

test('labels of steps never run into each other or out of the field', () => {
  const field = 414;
  for (const [epochs, every] of [
    [25, 7],
    [100, 7],
    [100, 1],
    [100, 30],
    [3, 1],
    [8, 7],
  ] as const) {
    const steps = Array.from({ length: Math.ceil(epochs / every) }, (_, i) => ({
      epoch: i * every,
      label: `lr 1e-${i + 3}`,
    }));
    const measure = (label: string) => faces.regular.measure(label, 11.5);
    const placed = placeSteps(steps, { field, first: 0, perEpoch: field / epochs }, measure);
    let free = 0;
    for (const { text, label } of placed.filter(({ text }) => text !== undefined)) {
      expect(text).toBeGreaterThanOrEqual(free);
      free = text! + measure(label) + 5;
      expect(text! + measure(label)).toBeLessThanOrEqual(field);
    }
    placed.forEach(({ line }, i) => {
      if (i > 0) expect(line - placed[i - 1]!.line).toBeGreaterThanOrEqual(10);
    });
    expect(placed[0]).toMatchObject({ epoch: 0, line: 0, text: 0 });
    // All steps stay, unless their lines are as close as hatching.
    const isHatching = every === 1 && epochs === 100;
    expect(placed.length).toBe(isHatching ? placed.filter(({ text }) => text !== undefined).length : steps.length);
    expect(placed.length).toBeGreaterThan(isHatching ? 6 : 0);
  }
});

/** The field of a panel in the whole picture, pixels. */
const PANEL_TOP = 20 + 22 + 30;
const field = (panel: 0 | 1) => ({
  left: 2 * (20 + panel * (460 + 28) + FIELD.left),
  right: 2 * (20 + panel * (460 + 28) + 460 - FIELD.right),
  top: 2 * (PANEL_TOP + FIELD.top),
  bottom: 2 * (PANEL_TOP + 290 - FIELD.bottom),
});

/** The darkest grey in each column along a height of the field, away from the marks of points. */
function along(drawn: Pixels, panel: 0 | 1, share: number): number[] {
  const { left, right, top, bottom } = field(panel);
  const y = Math.round(bottom + (top - bottom) * share);
  // From the first epoch to the last of 50: half of a fiftieth at either end is empty.
  const inset = Math.ceil((right - left) / 100) + 8;
  return Array.from({ length: right - left - 2 * inset }, (_, i) =>
    Math.min(...[-2, -1, 0, 1, 2].map((dy) => drawn.grey(left + inset + i, y + dy))),
  );
}

test('the phases differ without colour: one line is dark and solid, the other paler and dashed', async () => {
  // 50 epochs are too many for marks on their points. Losses 1 and 0.5 on an axis that ends at 1.05.
  const points = run(50, (_, phase) => ({
    loss: phase === 'train' ? 1 : 0.5,
    acc: phase === 'train' ? 0.62 : 0.93,
    lr: 1,
  }));
  const drawn = await pixelsOf(await drawCurves({ points, bestEpoch: null }));
  for (const [panel, trainAt, valAt] of [
    [0, 1 / 1.05, 0.5 / 1.05],
    [1, 0.02 / 0.4, 0.33 / 0.4],
  ] as const) {
    const val = along(drawn, panel, valAt);
    const train = along(drawn, panel, trainAt);
    expect(Math.max(...val)).toBeLessThan(80);
    expect(Math.min(...train)).toBeGreaterThan(130);
    const gaps = train.filter((value, i) => value > 220 && train[i - 1]! <= 220).length;
    expect(gaps).toBeGreaterThan(20);
  }
});

test('the best epoch is ringed in both panels and the legend, and only if there is one', async () => {
  const rings = async (bestEpoch: number | null) =>
    (await curvesCanvas({ points: run(9), bestEpoch })).svg().match(/<circle[^>]* r="7"/g)?.length ?? 0;
  expect(await rings(4)).toBe(3);
  expect(await rings(null)).toBe(0);
  const points = run(3, (epoch, phase) => ({ loss: phase === 'train' ? 1 : 0.2 + 0.2 * epoch }));
  const [ringed, bare] = await Promise.all(
    [1, null].map(async (bestEpoch) => pixelsOf(await drawCurves({ points, bestEpoch }))),
  );
  // The middle of three epochs, loss 0.4 of 1.05: seven units around it.
  const { left, right, top, bottom } = field(0);
  const [x, y] = [(left + right) / 2, Math.round(bottom + ((top - bottom) * 0.4) / 1.05)];
  expect(ringed!.grey(x, y - 14)).toBeLessThan(80);
  expect(bare!.grey(x, y - 14)).toBeGreaterThan(200);
});

test('a mark per epoch for short runs, none for long ones', async () => {
  const marks = async (epochs: number) =>
    (await curvesCanvas({ points: run(epochs), bestEpoch: null })).svg().match(/<circle/g)?.length;
  const ofLegend = 2;
  expect(await marks(1)).toBe(ofLegend + 2 * 2);
  expect(await marks(25)).toBe(ofLegend + 2 * 2 * 25);
  expect(await marks(100)).toBe(ofLegend);
});

test('a run that was stopped before its first val phase has no line for it', async () => {
  const canvas = await curvesCanvas({ points: run(1).slice(0, 1), bestEpoch: null });
  expect(canvas.texts.map(({ text }) => text)).toEqual(['train', 'Loss', 'epoch', 'Accuracy', 'epoch']);
  expect(hasWhiteEdge(await pixelsOf(await canvas.png()), 16)).toBe(true);
});

test('tick labels of losses of any size fit', async () => {
  for (const largest of [0, 1e-6, 0.004, 0.05, 3, 77, 900, 250_000, 3e30]) {
    const png = await drawCurves({ points: run(2, () => ({ loss: largest })), bestEpoch: 1 });
    expect(hasWhiteEdge(await pixelsOf(png), 16)).toBe(true);
  }
});

test('the styles of the phases share nothing', () => {
  const { train, val } = PHASE_STYLES;
  expect(train.dashes).toBeDefined();
  expect(val.dashes).toBeUndefined();
  expect(train.filled).not.toBe(val.filled);
});

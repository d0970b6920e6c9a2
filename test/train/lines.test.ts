/** The printed lines equal the tutorial's, even though Python and JavaScript round differently. */
import { expect, test } from 'vitest';
import { endLines, epochLines, fixed, phaseLine } from '../../src/train/index.ts';

test('epoch, phase and end are printed as the tutorial prints them', () => {
  expect(epochLines(0, 25)).toBe('Epoch 0/24\n----------\n');
  expect(phaseLine({ phase: 'train', loss: 0.624345419103982, acc: 0.610655737704918 })).toBe(
    'train Loss: 0.6243 Acc: 0.6107\n',
  );
  expect(phaseLine({ phase: 'val', loss: 12.5, acc: 1 })).toBe('val Loss: 12.5000 Acc: 1.0000\n');
  expect(endLines(1023.4, 143 / 153)).toBe('Training complete in 17m 3s\nBest val Acc: 0.934641\n');
  // A quirk of the tutorial: it rounds the seconds after it subtracts the minutes.
  expect(endLines(59.7, 0)).toBe('Training complete in 0m 60s\nBest val Acc: 0.000000\n');
});

// Expected values: Python's f'{value:.{digits}f}'.
test.each([
  [0.03125, 4, '0.0312'],
  [0.09375, 4, '0.0938'],
  [0.5, 0, '0'],
  [1.5, 0, '2'],
  [2.5, 0, '2'],
  [0.12345, 4, '0.1235'],
  [0.00005, 4, '0.0001'],
  [0.999999, 4, '1.0000'],
  [1 / 3, 6, '0.333333'],
  [7, 4, '7.0000'],
])('%d with %i digits', (value, digits, expected) => {
  expect(fixed(value, digits)).toBe(expected);
});

/** Documents that show commands: what is read from them, written into them, and taken for the same. */
import { describe, expect, test } from 'vitest';
import { difference, shownCommands, withOutputs, withoutProgress } from '../../verify/walk/document.ts';

const DOCUMENT = `# A walk

\`\`\`console
$ one --flag
first line

third line
$ two
\`\`\`

\`\`\`sh
$ no command of the walk
\`\`\`

\`\`\`console
$ three
\`\`\`
`;

test('the commands of a document and their outputs', () => {
  expect(shownCommands(DOCUMENT)).toEqual([
    { command: 'one --flag', output: 'first line\n\nthird line' },
    { command: 'two', output: '' },
    { command: 'three', output: '' },
  ]);
  expect(() => shownCommands('```console\nno command\n```\n')).toThrow('must begin with "$ "');
});

test('a document with other outputs shows them, and keeps the rest', () => {
  const written = withOutputs(DOCUMENT, ['a', 'b', 'c\nd']);
  expect(shownCommands(written).map(({ output }) => output)).toEqual(['a', 'b', 'c\nd']);
  expect(written).toBe(
    DOCUMENT.replace('first line\n\nthird line\n$ two', 'a\n\n$ two\nb').replace('$ three', '$ three\nc\nd'),
  );
});

test('lines that come by the clock are left out', () => {
  const output = 'Pictures read: 120\nepoch 0/0 train 4/9 | loss 0.6 | 4.7 images/s | 0:27 left\r\n\n\n\nDone  \n';
  expect(withoutProgress(output)).toBe('Done');
});

describe('what is taken for the same', () => {
  test.each([
    ['Training complete in 1m 13s', 'Training complete in 2m 01s'],
    ['Device: llvmpipe', 'Device: a GPU'],
    ['val Loss: 0.3606 Acc: 0.8693', 'val Loss: 0.3612 Acc: 0.8693'],
    ['features of 36 pictures in 4.1 s', 'features of 36 pictures in 12.9 s'],
    ['a.jpg  ants   0.981', 'a.jpg  ants  0.979'],
  ])('%s = %s', (shown, printed) => expect(difference(shown, printed)).toBeUndefined());

  test.each([
    ['13 of 16 right', '14 of 16 right'],
    ['val Loss: 0.3606 Acc: 0.8693', 'val Loss: 0.3606 Acc: 0.9101'],
    ['a.jpg ants 0.981', 'b.jpg ants 0.981'],
    ['one line', 'one line\nanother'],
  ])('%s ≠ %s', (shown, printed) => expect(difference(shown, printed)).toContain('printed: '));
});

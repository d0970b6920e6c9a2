/** What is said of folders and files that the system does not open. */
import { expect, test } from 'vitest';
import { whyUnread } from '../../src/data/unread.ts';

test.each([
  ['EACCES', 'this user may not read it (EACCES). Give this user the right to read it.'],
  ['EPERM', 'this user may not read it (EPERM). Give this user the right to read it.'],
  ['ENOENT', 'there is nothing. Check the path.'],
  ['ENOTDIR', 'this is a file. Check the path.'],
  ['EIO', 'EIO: i/o error. Check the path.'],
])('%s', (code, said) => {
  expect(whyUnread(Object.assign(new Error(`${code}: i/o error`), { code }))).toBe(said);
});

/** For `lock.test.ts`: locks a folder at given moments, and says whether it got it. */
import { UsageError } from '../../src/errors.ts';
import { lockFolder } from '../../src/train/lock.ts';

let unlock: (() => void) | undefined;
process.on('message', ({ folder, at }: { folder?: string; at?: number }) => {
  unlock?.();
  unlock = undefined;
  if (folder === undefined) {
    process.send!('free');
    return;
  }
  while (performance.timeOrigin + performance.now() < at!);
  try {
    unlock = lockFolder(folder);
    process.send!('got');
  } catch (error) {
    process.send!(error instanceof UsageError ? 'refused' : String(error));
  }
});

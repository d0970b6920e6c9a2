/** Why a folder or file of pictures cannot be opened, and what to do. */
import { printableName } from './names.ts';

/** Whether this user lacks the rights to read it. */
export function isForbidden(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EACCES' || code === 'EPERM';
}

/** The remedy where rights are missing. */
export const GIVE_RIGHTS = 'Give this user the right to read it.';

/** What the system has answered, after "expected …, but": two sentences. */
export function whyUnread(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (isForbidden(error)) return `this user may not read it (${code}). ${GIVE_RIGHTS}`;
  const found = code === 'ENOENT' ? 'there is nothing' : code === 'ENOTDIR' ? 'this is a file' : printableName(message);
  return `${found}. Check the path.`;
}

// @ts-check
/** Output of set-up. It goes to stderr, because stdout belongs to the command that follows (`--json`). */

import { writeSync } from 'node:fs';

/** Set-up cannot continue. The message says what was expected, what was found and what to do. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';
}

/** @param {string} text */
export function say(text) {
  writeSync(2, `${text.replace(/^/gm, 'setup: ')}\n`);
}

/** How a command is called, for help texts and messages. */

/**
 * `npm run train --` in a checkout, where the sources run; `npx dawngrad train` from the installed package, where what was
 * built of them does. Flags may follow in both.
 */
export function called(command: string): string {
  return import.meta.url.endsWith('.ts') ? `npm run ${command} --` : `npx dawngrad ${command}`;
}

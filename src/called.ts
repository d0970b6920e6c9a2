/** How users call a command, for help texts, messages and reports. */

/**
 * `npm run train --` in a checkout, which runs the sources; `npx dawngrad train` in the installed package, which runs
 * the build. Flags may follow either.
 */
export function called(command: string): string {
  return import.meta.url.endsWith('.ts') ? `npm run ${command} --` : `npx dawngrad ${command}`;
}

/** How npm has started this process, if it has: by a script of this checkout, by a script of a user's, or by `npm exec`. */
import { statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** A start by npm. */
export interface NpmStart {
  /** `checkout`: a script of this project, which runs a source; `package`: a user's script, or `npm exec`, with the bin. */
  readonly kind: 'checkout' | 'package';
  /** What the user types before the flags so that they arrive: `npm run train --`. */
  readonly called: string;
  /** Arguments that npm has passed on from the user. */
  readonly passed: readonly string[];
  /** The folder in which the user stands, if npm tells it. */
  readonly from: string | undefined;
}

/** The program of the installed package: through npm's link, or itself. */
const BIN = /(?:^|[\\/])dawngrad(?:\.cmd)?$|[\\/]dawngrad[\\/]dist[\\/]cli[\\/]main\.js$/;

/**
 * Programs that an npm script has started and that start this one in turn have npm's variables too, so the script must
 * name the started file itself.
 * @param argv `process.argv`: Node, the started file, its arguments
 * @returns undefined if npm has not started this process
 */
export function npmStart(env: NodeJS.ProcessEnv, argv: readonly string[]): NpmStart | undefined {
  const { npm_lifecycle_event: event, npm_lifecycle_script: script, npm_package_json: manifest } = env;
  const [, started, ...passed] = argv;
  if (event === undefined || script === undefined || started === undefined) return undefined;
  const words = script.split(/\s+/).map((word) => word.replace(/^(['"])(.*)\1$/, '$2'));
  const from = env.INIT_CWD || undefined;
  if (manifest !== undefined) {
    const file = relative(dirname(manifest), started).replaceAll('\\', '/');
    const elsewhere = from !== undefined && relative(dirname(manifest), from).startsWith('..');
    const npm = elsewhere ? `npm --prefix ${dirname(manifest)}` : 'npm';
    if (words.includes(file)) return { kind: 'checkout', called: `${npm} run ${event} --`, passed, from };
  }
  if (!BIN.test(started) || !words.some((word) => BIN.test(word))) return undefined;
  const [command, ...rest] = passed;
  if (env.npm_command !== 'exec') return { kind: 'package', called: `npm run ${event} --`, passed: [], from };
  return { kind: 'package', called: `npx dawngrad${command === undefined ? '' : ` ${command}`}`, passed: rest, from };
}

/**
 * Goes to the folder in which the user stands, so that relative paths count from there: npm has started the scripts of
 * this checkout in its root. Scripts of a user's own package count from that package, as npm means them to.
 */
export function goToUser(env: NodeJS.ProcessEnv, argv: readonly string[]): void {
  const start = npmStart(env, argv);
  if (start?.kind !== 'checkout' || start.from === undefined || !isFolder(start.from)) return;
  // Threads that run sources must not read the settings of a TypeScript project that is there.
  if (env.npm_package_json) env.TSX_TSCONFIG_PATH ??= join(dirname(env.npm_package_json), 'tsconfig.json');
  process.chdir(start.from);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

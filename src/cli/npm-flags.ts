/**
 * Finds flags that npm has kept for itself. `npm run predict --weights X pic`, without `--` before the flags, gives the
 * command only `X pic`; npm turns `--weights` into the variable npm_config_weights. What npm 9, 10 and 11 do:
 *
 *     --weights X     npm_config_weights=true, and X is passed on as an argument
 *     --weights=X     npm_config_weights=X; given twice, the values are joined by two line feeds
 *     --no-tune       npm_config_tune=
 *     --batch-size=4  npm_config_batch_size=4
 *     --json          npm_config_json=true, though npm has such a flag itself
 *     --save X        no variable, because true is npm's own default of --save: this one cannot be seen
 *
 * Lines of an npmrc file have the same variables; NPM_CONFIG_ variables of the user's own stay in capital letters.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { NpmStart } from './npm.ts';

/** The options of `parseArgs`, as far as they matter here. */
export type FlagTable = Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>;

/** A flag that npm has kept. */
export interface KeptFlag {
  readonly flag: string;
  /** Undefined if it takes none; empty if it takes one and npm has passed the values on without their flag. */
  readonly values: readonly string[] | undefined;
}

/** npm completes a flag that begins one of its own. */
const COMPLETED: Readonly<Record<string, string>> = { ci: 'cidr' };

/**
 * The flags of a table that npm has kept.
 * @param configured names that npmrc files set, see `npmrcNames`
 */
export function keptFlags(table: FlagTable, env: NodeJS.ProcessEnv, configured: ReadonlySet<string>): KeptFlag[] {
  const kept: KeptFlag[] = [];
  for (const [flag, { type }] of Object.entries(table)) {
    // `--no-tune` sets `tune` to nothing. Names are compared by their letters: npm's own variables are in small ones.
    const negated = type === 'boolean' && flag.startsWith('no-');
    const name = envName(negated ? flag.slice('no-'.length) : (COMPLETED[flag] ?? flag));
    const value = Object.hasOwn(env, `npm_config_${name}`) ? env[`npm_config_${name}`] : undefined;
    if (value === undefined || configured.has(name)) continue;
    if (type === 'string') kept.push({ flag, values: value === 'true' ? [] : value.split('\n\n') });
    else if ((value === '') === negated) kept.push({ flag, values: undefined });
  }
  return kept;
}

/** What the user should have typed, as far as npm tells. */
export function correctedLine(
  { called, passed }: Pick<NpmStart, 'called' | 'passed'>,
  kept: readonly KeptFlag[],
): string {
  const without = kept.filter(({ values }) => values?.length === 0);
  const whole = kept.filter(({ values }) => values?.length !== 0);
  const rest = without.length > 1 ? dropWhile(passed, (one) => !one.startsWith('-')) : [...passed];
  // Which value belongs to which of several flags is lost, and so is the place of a value behind other arguments.
  const found = without.length === 1 && rest[0] !== undefined && !rest[0].startsWith('-') ? rest.shift() : undefined;
  return [
    called,
    ...without.map(({ flag }) => `--${flag} ${found === undefined ? '<value>' : shellWord(found)}`),
    ...rest.map(shellWord),
    ...whole.flatMap(({ flag, values }) => (values ?? [undefined]).map((value) => given(flag, value))),
  ].join(' ');
}

/** The message about flags that npm has kept, or undefined if there are none. */
export function keptMessage(
  table: FlagTable,
  env: NodeJS.ProcessEnv,
  start: NpmStart,
  configured = npmrcNames(env),
): string | undefined {
  const kept = keptFlags(table, env, configured);
  if (kept.length === 0) return undefined;
  const names = kept.map(({ flag }) => `--${flag}`).join(', ');
  const [what, it] = kept.length === 1 ? ['this flag', 'it'] : ['these flags', 'them'];
  const how = start.called.endsWith('--')
    ? 'put -- before the flags'
    : 'call the command by npx, which passes flags on';
  return `${names}: npm kept ${what} for itself, so the command did not get ${it}; ${how}:\n  ${correctedLine(start, kept)}`;
}

/** Names, as in npm's variables, that the npmrc files of this machine, user and folder set. Unreadable files set none. */
export function npmrcNames(env: NodeJS.ProcessEnv): Set<string> {
  const files = [
    env.npm_config_userconfig,
    env.npm_config_globalconfig,
    env.npm_config_local_prefix && join(env.npm_config_local_prefix, '.npmrc'),
    // npm's own, which a distribution may have changed.
    env.npm_execpath && join(dirname(env.npm_execpath), '..', 'npmrc'),
  ];
  return new Set(files.flatMap((file) => (file ? namesOf(readText(file)) : [])));
}

/** The names of an npmrc file: `json=true`, `json`, `omit[]=dev`. */
function namesOf(text: string): string[] {
  const [top = ''] = text.split(/^\s*\[[^\]]+\]\s*$/m);
  const lines = top.split(/\r?\n/).filter((line) => !/^\s*(?:[;#]|$)/.test(line));
  return lines.map((line) => envName(line.split('=')[0]!.trim().replace(/\[\]$/, '')));
}

function dropWhile<T>(items: readonly T[], drops: (item: T) => boolean): T[] {
  const first = items.findIndex((item) => !drops(item));
  return first < 0 ? [] : items.slice(first);
}

function envName(name: string): string {
  return name.replaceAll('-', '_').toLowerCase();
}

function given(flag: string, value: string | undefined): string {
  return value === undefined ? `--${flag}` : `--${flag} ${shellWord(value)}`;
}

/** As a shell takes it for one word. */
function shellWord(text: string): string {
  return /^[\p{L}\p{N}\p{M}@%+=:,./\\_-]+$/u.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Installs the package as its users do: `npm pack`, or a git address, then `npm install` in an empty folder. For tests
 * and verify. The checkout's own dist/ stays untouched, so that several processes may do this at once.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The files that `npm pack` needs: the content of the package, and the scripts that build it. */
const NEEDED = [
  ...['package.json', 'README.md', 'LICENSE', 'tsconfig.json', 'tsconfig.build.json'],
  ...['src', 'shaders', 'examples', 'scripts'],
];

export interface PackedFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/** Bytes that the .tgz and its content may have. Half of it is sources, which the declarations lead to. */
export const MOST_BYTES = { packed: 2_000_000, unpacked: 7_500_000 } as const;

/** The package, installed. */
export interface Installed {
  /** The folder with package.json and node_modules. */
  readonly folder: string;
  readonly files: readonly PackedFile[];
  /** Bytes of the .tgz, and of its content. */
  readonly packedBytes: number;
  readonly unpackedBytes: number;
}

/** How a program ended, and its output. */
export interface Ended {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** npm's registry cannot be reached, and npm's cache does not hold everything. */
export class NoRegistryError extends Error {
  override name = 'NoRegistryError';
}

/** npm's messages if it cannot reach its registry. */
const UNREACHABLE =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ENOTCACHED|ERR_SOCKET_TIMEOUT/;

/** Copies the files that the package is built from, so that the checkout's own dist/ stays untouched. */
function copyCheckout(folder: string): void {
  for (const name of NEEDED) cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
}

/**
 * Builds the package. Unlike `packAndInstall` it needs no registry: its dependencies are those of the checkout.
 * @param scratch an empty folder
 * @returns the folder in which modules can import `dawngrad`
 */
export async function buildPackage(scratch: string): Promise<string> {
  const [checkout, folder] = [join(scratch, 'checkout'), join(scratch, 'app')];
  copyCheckout(checkout);
  const { code, stdout, stderr } = await run(process.execPath, [join(checkout, 'scripts/build.mjs')], checkout);
  if (code !== 0) throw new Error(`npm run build failed:\n${stdout}\n${stderr}`);
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  symlinkSync(checkout, join(folder, 'node_modules', 'dawngrad'), 'junction');
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  return folder;
}

/**
 * Packs the package and installs it.
 * @param scratch an empty folder
 * @param others packages to install beside it, such as `@types/node@20`
 * @throws NoRegistryError if npm cannot reach its registry for the dependencies; Error if packing or installing fails
 *   for another reason
 */
export async function packAndInstall(scratch: string, others: readonly string[] = []): Promise<Installed> {
  const checkout = join(scratch, 'checkout');
  const folder = join(scratch, 'app');
  mkdirSync(folder);
  copyCheckout(checkout);
  const packed = await npm(['pack', '--json', '--pack-destination', folder], checkout);
  if (packed.code !== 0) throw new Error(`npm pack failed:\n${packed.stdout}\n${packed.stderr}`);
  const [report] = JSON.parse(packed.stdout) as [
    { filename: string; size: number; unpackedSize: number; files: PackedFile[] },
  ];

  await install(folder, [`./${report.filename}`, ...others]);
  return { folder, files: report.files, packedBytes: report.size, unpackedBytes: report.unpackedSize };
}

/**
 * Installs the last commit of this checkout from a git address, as npm does for a user: it clones, builds and packs.
 * @param scratch an empty folder
 * @throws as `packAndInstall`
 */
export async function installFromGit(scratch: string): Promise<Pick<Installed, 'folder'>> {
  const [origin, folder] = [join(scratch, 'origin.git'), join(scratch, 'app')];
  const cloned = await run('git', ['clone', '--quiet', '--bare', root, origin], scratch);
  if (cloned.code !== 0) throw new Error(`git clone failed:\n${cloned.stderr}`);
  mkdirSync(folder);
  await install(folder, [`git+${pathToFileURL(origin).href}`]);
  return { folder };
}

/** Makes the folder a project and installs packages there. */
async function install(folder: string, packages: readonly string[]): Promise<void> {
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const quick = ['--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=1', '--fetch-timeout=20000'];
  const installed = await npm(['install', ...quick, ...packages], folder);
  if (installed.code === 0) return;
  if (UNREACHABLE.test(installed.stderr)) throw new NoRegistryError('npm cannot reach its registry');
  throw new Error(`npm install failed:\n${installed.stdout}\n${installed.stderr}`);
}

/** The files that npm would pack from the checkout itself, including stray ones; dist/ may be missing or old. */
export async function packedOfCheckout(): Promise<string[]> {
  const { code, stdout, stderr } = await npm(['pack', '--dry-run', '--json', '--ignore-scripts'], root);
  if (code !== 0) throw new Error(`npm pack failed:\n${stderr}`);
  const [report] = JSON.parse(stdout) as [{ files: PackedFile[] }];
  return report.files.map(({ path }) => path);
}

/** Runs npm without the variables that this checkout's own npm has set. */
export function npm(args: readonly string[], cwd: string): Promise<Ended> {
  const env: NodeJS.ProcessEnv = { DAWNGRAD_NO_SETUP: '1' };
  for (const [name, value] of Object.entries(process.env)) if (!/^npm_(?!config_)/i.test(name)) env[name] ??= value;
  return run('npm', args, cwd, env);
}

/** Runs a program to its end. On Windows a shell is needed to find npm and npx. */
export function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  const options = { cwd, env, timeout: 300_000, maxBuffer: 2 ** 26, shell: process.platform === 'win32' };
  return new Promise((resolve) => {
    execFile(program, [...args], options, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal ?? null) : 0, stdout, stderr });
    });
  });
}

/** Runs `npx dawngrad …` where the package is installed, or without npx the program behind it. */
export function dawngrad(
  { folder }: Pick<Installed, 'folder'>,
  args: readonly string[],
  { env = {}, npx = false }: { env?: NodeJS.ProcessEnv; npx?: boolean } = {},
): Promise<Ended> {
  const program = npx ? 'npx' : join(folder, 'node_modules', '.bin', 'dawngrad');
  return run(program, npx ? ['--no-install', 'dawngrad', ...args] : args, folder, { ...process.env, ...env });
}

/** The code blocks of one language in the Markdown section with this heading, in their order. */
export function codeBlocks(markdown: string, heading: string, language: string): string[] {
  const start = markdown.indexOf(`\n## ${heading}\n`);
  if (start < 0) throw new Error(`The Markdown text has no section "${heading}"; add it, or name another heading.`);
  const end = markdown.indexOf('\n## ', start + 1);
  const section = markdown.slice(start, end < 0 ? undefined : end);
  return Array.from(section.matchAll(/^```(\w+)\n(.*?)^```$/gms))
    .filter(([, found]) => found === language)
    .map(([, , code]) => code!);
}

export function readme(): string {
  return readFileSync(join(root, 'README.md'), 'utf8');
}

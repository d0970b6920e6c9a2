/**
 * Documents that show commands and what they print:
 *
 *     ```console
 *     $ npm run predict -- photo.jpg
 *     photo.jpg  ant  0.912
 *     ```
 *
 * The commands are run in a folder, one after another, and what they print is compared with the document, or written
 * into it. Times, speeds and the device differ from machine to machine; so do last digits.
 */
import { run } from '../processes.ts';

export interface Shown {
  readonly command: string;
  /** What it prints, without a line end behind it. */
  readonly output: string;
}

const BLOCK = /^```console\n(.*?)^```$/gms;

/** The commands of a document with what it shows of each, in their order. */
export function shownCommands(markdown: string): Shown[] {
  return [...markdown.matchAll(BLOCK)].flatMap(([, block]) => commandsOf(block!));
}

function commandsOf(block: string): Shown[] {
  const shown: { command: string; lines: string[] }[] = [];
  for (const line of block.trimEnd().split('\n')) {
    if (line.startsWith('$ ')) shown.push({ command: line.slice(2), lines: [] });
    else if (shown.length > 0) shown.at(-1)!.lines.push(line);
    else throw new Error(`A block of commands must begin with "$ ", found ${JSON.stringify(line)}.`);
  }
  return shown.map(({ command, lines }) => ({ command, output: lines.join('\n').trimEnd() }));
}

/** The document with other outputs, in the order of its commands. */
export function withOutputs(markdown: string, outputs: readonly string[]): string {
  let next = 0;
  return markdown.replace(BLOCK, (_, block: string) => {
    const parts = commandsOf(block).map(({ command }) => {
      const output = outputs[next++]!;
      return `$ ${command}\n${output === '' ? '' : `${output}\n`}`;
    });
    return `\`\`\`console\n${parts.join('\n')}\`\`\``;
  });
}

export interface Place {
  /** Where the commands run. */
  readonly folder: string;
  /** The checkout whose `npm run` they mean. */
  readonly checkout: string;
  readonly env: NodeJS.ProcessEnv;
  /** Parts of the output that name this machine, and what stands for each. */
  readonly names: readonly (readonly [text: string, shown: string])[];
}

/** Runs a command as a person does who stands in the folder. @returns what it prints, and how it ended if not well */
export async function runShown(command: string, { folder, checkout, env, names }: Place): Promise<string> {
  const line = command.replace(/^npm run (?=\w)/, `npm run --silent --prefix '${checkout}' `);
  const { status, output } = await run('sh', ['-c', line], { cwd: folder, env });
  const named = names.reduce((text, [own, shown]) => text.replaceAll(own, shown), output);
  return withoutProgress(status === 0 ? named : `${named.trimEnd()}\n(exit status ${status})`);
}

/** Lines that come by the clock, and Dawn's about its limits. */
const BY_THE_CLOCK =
  /images\/s|pictures\/s|^(?:Pictures (?:read|checked): |Judged: \d+ of|Features: \d+ of)|^Warning: max\w+ artificially reduced/;

export function withoutProgress(output: string): string {
  const lines = output.replace(/\r\n?/g, '\n').split('\n');
  return lines
    .filter((line) => !BY_THE_CLOCK.test(line))
    .map((line) => line.trimEnd())
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

/** What differs from machine to machine. */
const MASKS: readonly (readonly [RegExp, string])[] = [
  // The decoder's words are sometimes lost.
  [/(truncated or damaged) \([^)]*\)/g, '$1'],
  [/^(Device|Memory): .*$/gm, '$1: …'],
  [/\b\d+m \d+s\b/g, '… s'],
  [/\b\d+(?:\.\d+)? (?:ms|s|seconds|min|minutes)\b/g, '… s'],
  [/\b[\d.]+ (?:bytes|[KMG]i?B)\b/g, '… bytes'],
];

/** Numbers with a point differ in their last digits from processor to processor. */
const DECIMAL = /\d+\.\d+/g;
const ABSOLUTE = 0.011;
const RELATIVE = 0.02;

/** The first line that differs in more than times, sizes, the device and last digits; undefined if none does. */
export function difference(shown: string, printed: string): string | undefined {
  const [a, b] = [masked(shown).split('\n'), masked(printed).split('\n')];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (!alike(a[i] ?? '', b[i] ?? '')) return `shown:   ${a[i] ?? '(nothing)'}\nprinted: ${b[i] ?? '(nothing)'}`;
  }
  return undefined;
}

function masked(text: string): string {
  return MASKS.reduce((all, [pattern, mask]) => all.replace(pattern, mask), text);
}

function alike(a: string, b: string): boolean {
  const around = (line: string) => line.replace(DECIMAL, '#').replace(/ +/g, ' ');
  if (around(a) !== around(b)) return false;
  const [left, right] = [a, b].map((line) => [...line.matchAll(DECIMAL)].map(([number]) => Number(number)));
  return left!.every((value, i) => Math.abs(value - right![i]!) <= Math.max(ABSOLUTE, RELATIVE * Math.abs(value)));
}

#!/usr/bin/env node
/** `npx dawngrad <command> …`: all commands of this package. */

import { runCommand } from './program.ts';
import { packageVersion } from './version.ts';

interface Command {
  readonly what: string;
  /** Loads only the code of the given command. */
  readonly load: () => Promise<{ main(argv: string[]): Promise<number> }>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  train: { what: 'train a network on your own pictures', load: () => import('./train.ts') },
  data: { what: 'tell what a folder of pictures holds, and what is wrong with it', load: () => import('./data.ts') },
  predict: { what: 'classify pictures', load: () => import('./predict.ts') },
  serve: { what: 'classify pictures over HTTP', load: () => import('./serve.ts') },
  eval: { what: 'judge a network on pictures whose classes are known', load: () => import('./eval.ts') },
  convert: { what: 'convert a checkpoint to safetensors', load: () => import('./convert.ts') },
  export: { what: 'write a network for PyTorch, ONNX runtimes and others', load: () => import('./export.ts') },
  compare: { what: 'compare the metrics of two runs', load: () => import('./compare.ts') },
  report: { what: 'write a page about a run, or compare runs', load: () => import('./report.ts') },
  tune: { what: 'find the fastest kernels for this machine', load: () => import('./tune.ts') },
  doctor: { what: 'check this machine and say what it needs', load: () => import('./doctor.ts') },
};

const HELP = `Usage: dawngrad <command> [flags]

${Object.entries(COMMANDS)
  .map(([name, { what }]) => `  ${name.padEnd(10)} ${what}`)
  .join('\n')}

"dawngrad <command> --help" explains a command.

  -h, --help      print this
  -v, --version   print the version
`;

/**
 * @param argv arguments after the program's name
 * @returns exit status: 2 for an unknown command, else the command's own
 */
async function main([name = '', ...rest]: readonly string[]): Promise<number> {
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  if (name === '--help' || name === '-h') {
    process.stdout.write(HELP);
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    process.stderr.write(`dawngrad: ${name === '' ? 'no command given' : `no such command: ${name}`}\n\n${HELP}`);
    return 2;
  }
  return (await command.load()).main(rest);
}

await runCommand('dawngrad', main);

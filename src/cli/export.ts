/** `npm run export -- --weights <run> --out <file>`: writes a trained network for other programs. */
import { DawngradError, UsageError } from '../errors.ts';
import {
  type Exportable,
  exportOnnxFile,
  exportSafetensors,
  exportTorch,
  readExportable,
  type Written,
} from '../export/index.ts';
import { formatBytes } from '../plan/index.ts';
import { printable, printableLines } from '../printable.ts';
import { called } from './called.ts';
import { exitStatusOf } from './exit-status.ts';
import { type ExportCommand, HELP, parseExportFlags } from './export-flags.ts';
import { runProgram } from './program.ts';

/**
 * @param argv arguments after the script's name
 * @returns exit status
 */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const command = parseExportFlags(argv);
    if (command === 'help') {
      process.stdout.write(HELP);
      return 0;
    }
    const exportable = await readExportable(command.weights, command.imageSize);
    for (const file of await write(exportable, command)) {
      process.stdout.write(`${printable(file.path, file.path.length)}: ${formatBytes(file.bytes)}\n`);
    }
    process.stdout.write(`${summary(exportable)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof DawngradError)) throw error;
    process.stderr.write(`export: ${printableLines(error.message)}\n`);
    if (error instanceof UsageError) process.stderr.write(`Try "${called('export')} --help".\n`);
    return exitStatusOf(error);
  }
}

async function write(exportable: Exportable, command: ExportCommand): Promise<Written[]> {
  switch (command.format) {
    case 'torch':
      return exportTorch(exportable, command);
    case 'safetensors':
      return exportSafetensors(exportable, command);
    case 'onnx':
      return exportOnnxFile(exportable, command);
  }
}

/** "resnet18 of 2 classes; pictures resized to 256, cropped to 224, bilinear" */
function summary({ net, classes, input }: Exportable): string {
  const { resize, crop, interpolation } = input;
  return (
    `${net.name} of ${classes.length} classes; its pictures: shorter side resized to ${resize} (${interpolation}), ` +
    `centre cropped to ${crop}`
  );
}

await runProgram(import.meta.url, 'export', main);

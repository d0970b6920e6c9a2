/** The flag of weights in ONNX files, `--head`, which several commands share. */
import { UsageError } from '../errors.ts';
import { flagHelp } from './flags.ts';

export const HEAD_HELP = flagHelp('head <node>', [
  'of weights in an ONNX file: the node, or the layer (fc of fc.weight), with which the network',
  'ends; what is behind it is left out (default: the last product with a matrix of weights)',
]);

/** @throws UsageError if it is empty */
export function parseHead(given: string | undefined): string | undefined {
  if (given !== '') return given;
  throw new UsageError('--head: expected the name of a node of the ONNX file, found an empty string');
}

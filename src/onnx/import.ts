/** ONNX files as networks of the library. */

import type { RandomWords } from '../autograd/ops/dropout.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Classifier } from '../models/classifier.ts';
import type { RandomSource } from '../nn/init.ts';
import { readOnnxNet } from './net.ts';
import { openNet } from './start.ts';

/** Options of `importOnnx`. */
export interface ImportOptions {
  /** The node, or the last layer (`fc` of `fc.weight`), at which the network ends; by default the last one. */
  readonly head?: string;
  /** The source of dropout's masks in training. */
  readonly random?: RandomWords;
}

/**
 * Reads a classifier of pictures from an ONNX file, in training mode. Its tensors of floats are parameters under the file's
 * names, the statistics of its batch norms buffers; what is computed behind the last layer (Softmax) is left out.
 * @param source path or bytes of the file
 * @throws FileError if it is damaged, or no classifier made of ops that we have; MissingPackageError
 */
export async function importOnnx(
  gpu: Gpu,
  source: string | Uint8Array,
  { head, random }: ImportOptions = {},
): Promise<Classifier> {
  const { net, checkpoint } =
    typeof source === 'string' ? await openNet(source, head) : await readOnnxNet(source, 'The ONNX file', head);
  const model = net.build(gpu, { ...(random && { random: masksOnly(random) }), init: 'skip' });
  model.loadStateDict(checkpoint.tensors);
  return model;
}

/** Draws masks, and no weights: those are the file's. */
function masksOnly(masks: RandomWords): RandomSource {
  return { fillUniform: () => {}, fillNormal: () => {}, skip: () => {}, u32: () => masks.u32() };
}

/** Measures weights on the validation pictures, without training. */
import { DecoderPool, Generator } from '../data/index.ts';
import { FileError } from '../errors.ts';
import { openGpu } from '../gpu/dawn.ts';
import { inputAt } from '../input-spec.ts';
import { chooserOf } from '../kernels/chooser.ts';
import { buildModel } from '../models/start.ts';
import { valStep } from '../models/step.ts';
import { openStart } from '../onnx/start.ts';
import { numberSettings } from '../plan/index.ts';
import { checkVal } from './check-pictures.ts';
import { findPictures } from './find-pictures.ts';
import type { TrainOptions } from './options.ts';
import { type PhaseTotals, runPhase } from './phase.ts';
import { makeLoaders } from './pictures.ts';

/** Weights and pictures to measure; the other options are as for `train`. */
export interface EvaluateOptions
  extends Pick<
    TrainOptions,
    'data' | 'valSplit' | 'ignoreOrientation' | 'batchSize' | 'seed' | 'workers' | 'threads' | 'imageSize' | 'gpu'
  > {
  /** A checkpoint whose last layer is for the data's classes, such as a run's best.safetensors. */
  readonly weights: string;
}

/**
 * Computes loss and accuracy of a checkpoint on the pictures of val, which are found as in `train`.
 * @throws FileError if the last layer is not for these classes; BrokenPicturesError naming all pictures that cannot be
 *   read; else as `train`
 */
export async function evaluate(options: EvaluateOptions): Promise<PhaseTotals> {
  const settings = numberSettings(options);
  const { ignoreOrientation, valSplit } = options;
  const { pictures } = await findPictures(options.data, { settings, ignoreOrientation, valSplit });
  const start = await openStart(options.weights, pictures.classes);
  if (!start.loadsLastLayer) {
    throw new FileError(`${start.description} Give weights with a last layer for these classes, such as a run's best.`);
  }
  const input = inputAt(start.input, options.imageSize, start.architecture);
  const gpu = options.gpu ?? (await openGpu());
  // A separate chooser leaves the record of the device's chooser unchanged.
  const chooser = chooserOf(gpu).fresh();
  const pool = new DecoderPool(settings.threads, { ...settings, ignoreOrientation });
  try {
    const model = buildModel(gpu, start, { classes: pictures.classes.length, mode: 'extract' }).eval();
    try {
      const { val } = makeLoaders(pictures, { ...settings, input }, new Generator(settings.seed), pool);
      await checkVal(pictures, val);
      const totals = await runPhase({
        epoch: 0,
        phase: 'val',
        batches: val,
        steps: val.length,
        run: (batch) => gpu.withChooser(chooser, () => valStep(gpu, model, batch)),
      });
      // Only a signal ends a phase early, and this call has none.
      return totals!;
    } finally {
      model.dispose();
    }
  } finally {
    await pool.close();
    if (!options.gpu) gpu.close();
  }
}

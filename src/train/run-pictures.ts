/**
 * The pictures in the run folder: the tutorial's, and those of the judgement. They are for people and no result depends on them: if one cannot be drawn,
 * that is reported and the run goes on. The drawing code loads when the first picture is due, so it delays no start.
 */

import type { DataLoader } from '../data/index.ts';
import type { Statistics } from '../input-spec.ts';
import type { Judgement } from '../judge/index.ts';
import type { HostBatch } from '../models/step.ts';
import type { CurvePoint } from '../pictures/index.ts';
import type { Best } from './best.ts';
import { inputsOf, judgedPictures } from './judged-pictures.ts';
import { fixed } from './lines.ts';
import { type Augment, PLAIN, type Regularization } from './regularization.ts';
import { PICTURE_FILES, type PictureFile, type RunFolder } from './run-folder.ts';
import type { Reporter } from './types.ts';

/** At most this many pictures of a batch are shown. */
const MOST_OF_A_BATCH = 16;

export interface RunPicturesOptions {
  readonly folder: RunFolder;
  readonly classes: readonly string[];
  /** Grows as the run goes on. */
  readonly metrics: readonly CurvePoint[];
  readonly best: Pick<Best<unknown>, 'epoch' | 'acc'>;
  /** By which the pictures are normalised; default: ImageNet's. */
  readonly input?: Statistics | undefined;
  /** What happens to the training pictures; default: what the tutorial does. */
  readonly regularization?: Pick<Regularization, 'augment' | 'mixup'> | undefined;
  readonly reporter?: Reporter | undefined;
  /** Whether an earlier start of the run has drawn the first batch. */
  readonly goesOn?: boolean;
}

interface KeptBatch {
  /** Only the first pictures of the batch. */
  readonly images: Float32Array;
  /** What is in each. */
  readonly names: readonly string[];
  /** Pictures in the whole batch. */
  readonly size: number;
}

export class RunPictures {
  readonly #options: RunPicturesOptions;
  readonly #drawn = new Set<PictureFile>();
  readonly #failed = new Set<PictureFile>();
  /** The first batch, until it is drawn. */
  #batch: KeptBatch | undefined;
  #hasSeenBatch = false;

  constructor(options: RunPicturesOptions) {
    this.#options = options;
    if (!options.goesOn) return;
    this.#hasSeenBatch = true;
    if (options.folder.has(PICTURE_FILES.trainBatch)) this.#drawn.add(PICTURE_FILES.trainBatch);
  }

  /** Call it with every train batch. It copies the pictures to draw from the first batch and ignores the others. */
  seeBatch({ images, labels, size, mix }: HostBatch): void {
    if (this.#hasSeenBatch) return;
    this.#hasSeenBatch = true;
    const count = Math.min(size, MOST_OF_A_BATCH);
    const nameOf = (at: number) => this.#options.classes[labels.at(at)!]!;
    const names = Array.from({ length: count }, (_, i) => mixtureName(nameOf(i), nameOf(i - 1), mix));
    this.#batch = { images: images.slice(0, (images.length / size) * count), names, size };
  }

  /** Draws the batch if it is not drawn yet. */
  async drawBatch(): Promise<void> {
    const batch = this.#batch;
    if (!batch) return;
    this.#batch = undefined;
    const { images, names, size } = batch;
    const { input } = this.#options;
    await this.#draw(PICTURE_FILES.trainBatch, async () => {
      const { drawTrainBatch, pictureOf } = await import('../pictures/index.ts');
      const pictures = names.map((className, i) => ({ picture: pictureOf(images, names.length, i, input), className }));
      return drawTrainBatch({ pictures, size, how: howChanged(this.#options.regularization) });
    });
  }

  /** Draws the curves if there are any metrics. Call it at the end: drawing after each epoch makes memory grow. */
  async drawCurves(): Promise<void> {
    const { metrics, best } = this.#options;
    if (metrics.length === 0) return;
    await this.#draw(PICTURE_FILES.curves, async () => {
      const { drawCurves } = await import('../pictures/index.ts');
      return drawCurves({ points: metrics, bestEpoch: best.epoch });
    });
  }

  /** Draws what the best weights make of val. @param loader of val */
  async drawJudged(judgement: Judgement, loader: DataLoader): Promise<void> {
    const { best } = this.#options;
    const whose =
      best.epoch === null
        ? 'the weights before training'
        : `the best weights (epoch ${best.epoch}, val acc ${fixed(best.acc, 4)})`;
    for (const { file, draw } of judgedPictures(judgement, inputsOf(loader), whose)) await this.#draw(file, draw);
  }

  /** Draws the remaining pictures that need no device, then reports which pictures exist. */
  async finish(): Promise<void> {
    await this.drawBatch();
    await this.drawCurves();
    const files = Object.values(PICTURE_FILES).filter((file) => this.#drawn.has(file));
    if (files.length > 0) this.#options.reporter?.picturesDrawn?.(files);
  }

  async #draw(file: PictureFile, draw: () => Promise<Uint8Array>): Promise<void> {
    const { folder, reporter } = this.#options;
    try {
      folder.writePicture(file, await draw());
      this.#drawn.add(file);
    } catch (error) {
      // The cause of one failure will make the next attempt fail too, so it is reported once.
      if (this.#failed.has(file)) return;
      this.#failed.add(file);
      reporter?.pictureFailed?.(file, error instanceof Error ? error : new Error(String(error)));
    }
  }
}

const HOW: Readonly<Record<Augment, string>> = {
  tutorial: 'cropped and mirrored at random',
  light: 'cropped, mirrored and coloured at random',
  strong: 'cropped, mirrored and changed at random',
  none: 'cropped at the centre',
};

function howChanged({ augment, mixup }: Pick<Regularization, 'augment' | 'mixup'> = PLAIN): string {
  return mixup > 0 ? `${HOW[augment]}, mixed in pairs` : HOW[augment];
}

/** A class, or the two of a mixture: "73 % ants, 27 % bees". @param mix the share of `own` */
function mixtureName(own: string, other: string, mix: number | undefined): string {
  if (mix === undefined || own === other) return own;
  const percent = Math.round(100 * mix);
  return `${percent} % ${own}, ${100 - percent} % ${other}`;
}

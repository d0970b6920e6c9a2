/** Typed errors of training. Each says what to do next. */
import { printableName } from '../data/index.ts';
import { DawngradError, FileError } from '../errors.ts';
import type { Phase } from '../models/types.ts';

/** Names shown of a list that may be long. */
const SHOWN = 20;

/** Where training diverged. */
export interface DivergedAt {
  readonly epoch: number;
  readonly phase: Phase;
  /** From 0. */
  readonly step: number;
  /** Mean loss of the step's batch. */
  readonly loss: number;
  /** The pictures of the batch: `train/ants/0013035.jpg`. */
  readonly pictures: readonly string[];
}

/** Training diverged: the loss is no finite number any more, or is far beyond all that it was. */
export class DivergedError extends DawngradError {
  override name = 'DivergedError';
  readonly epoch: number;
  readonly phase: Phase;
  /** From 0. */
  readonly step: number;
  readonly loss: number;
  readonly pictures: readonly string[];

  constructor(what: string, { epoch, phase, step, loss, pictures }: DivergedAt, advice: string) {
    const batch = pictures.length > 0 ? ` Pictures of this step: ${someOf(pictures)}.` : '';
    super(
      `${what} in epoch ${epoch}, ${phase} step ${step} (both counted from 0), so the run was stopped.${batch} ${advice}`,
    );
    this.epoch = epoch;
    this.phase = phase;
    this.step = step;
    this.loss = loss;
    this.pictures = pictures;
  }
}

/** The loss of a step is NaN or infinite: training diverged, or the weights or pictures hold such values. */
export class NonFiniteLossError extends DivergedError {
  override name = 'NonFiniteLossError';

  constructor(at: DivergedAt) {
    super(
      `The loss became ${at.loss}`,
      at,
      'Try a smaller learning rate. If it happens in step 0, check the weights: they may hold NaN or infinity.',
    );
  }
}

/** The loss of a step is finite, but beyond all reason. */
export class ExplodedLossError extends DivergedError {
  override name = 'ExplodedLossError';

  /** @param limit the largest loss that the run may have */
  constructor(at: DivergedAt, limit: number) {
    super(
      `The loss grew to ${at.loss.toPrecision(3)}, more than ${limit.toPrecision(3)}, which is a million times that of the start,`,
      at,
      'Try a smaller learning rate, such as a tenth. To go on all the same, use onDivergence: continue ' +
        '(--on-divergence continue).',
    );
  }
}

/** Pictures of a data set cannot be read. Found before the first step, all together. */
export class BrokenPicturesError extends FileError {
  override name = 'BrokenPicturesError';
  readonly pictures: readonly { readonly path: string; readonly reason: string }[];

  /**
   * @param root the folder with train and val
   * @param total pictures that were checked
   * @param advice the last sentence
   */
  constructor(
    root: string,
    total: number,
    pictures: readonly { readonly path: string; readonly reason: string }[],
    advice: string,
  ) {
    const lines = pictures.slice(0, SHOWN).map(({ reason }) => `\n  ${reason}`);
    const more = pictures.length > SHOWN ? `\n  and ${pictures.length - SHOWN} more` : '';
    super(
      `${printableName(root)}: ${pictures.length} of ${total} pictures cannot be used:${lines.join('')}${more}\n${advice}`,
    );
    this.pictures = pictures;
  }
}

/** `a, b and 3 more`, printable. */
export function someOf(names: readonly string[], most = SHOWN): string {
  const shown = names.slice(0, most).map(printableName).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

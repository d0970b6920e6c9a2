/** Typed errors of training. Each says what to do next. */
import { DawngradError } from '../errors.ts';
import type { Phase } from '../models/types.ts';

/** The loss of a step is NaN or infinite: training diverged, or the weights or pictures hold such values. */
export class NonFiniteLossError extends DawngradError {
  override name = 'NonFiniteLossError';
  readonly epoch: number;
  readonly phase: Phase;
  /** From 0. */
  readonly step: number;

  constructor(epoch: number, phase: Phase, step: number, loss: number) {
    super(
      `The loss became ${loss} in epoch ${epoch}, ${phase} step ${step} (both counted from 0), so the run was stopped. ` +
        'The best weights so far are kept. Try a smaller learning rate. If it happens in step 0, check the weights.',
    );
    this.epoch = epoch;
    this.phase = phase;
    this.step = step;
  }
}

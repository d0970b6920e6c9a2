/** What losses do with the losses of their elements or rows. */
import { oneOf } from './options.ts';

/** Their mean, their sum, or each of them. */
export type Reduction = 'mean' | 'sum' | 'none';

const REDUCTIONS = { mean: 'mean', sum: 'sum', none: 'none' } as const satisfies Record<Reduction, Reduction>;

/** Returns the option, by default the mean. @throws OptionError */
export function reductionOf(owner: string, reduction: Reduction = 'mean'): Reduction {
  return oneOf<Reduction>(owner, 'reduction', reduction, REDUCTIONS);
}

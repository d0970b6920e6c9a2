/** Terms that networks and runs share: modes, phases, architectures. */

/** `finetune` trains every parameter; `extract` freezes all but a new last layer. */
export type TrainMode = 'finetune' | 'extract';
/** Both modes, in the tutorial's order. */
export const TRAIN_MODES: readonly TrainMode[] = ['finetune', 'extract'];

/** The two phases of an epoch: the first trains, the second evaluates on pictures that are not trained on. */
export type Phase = 'train' | 'val';

/** Networks that a run can build. */
export const ARCHITECTURES = ['resnet18', 'resnet34'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

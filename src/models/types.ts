/** The words that networks and runs share: modes, phases, architectures. */

/** `finetune` trains every parameter; `extract` freezes all but a new last layer. */
export type TrainMode = 'finetune' | 'extract';
/** Both modes, in the tutorial's order. */
export const TRAIN_MODES: readonly TrainMode[] = ['finetune', 'extract'];

/** An epoch's first phase learns, its second measures on pictures that are not learnt from. */
export type Phase = 'train' | 'val';

/** Networks that a run can build. */
export type Architecture = 'resnet18' | 'resnet34';

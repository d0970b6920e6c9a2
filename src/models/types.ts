/** Terms that networks and runs share: modes, phases, architectures. */

/** `finetune` trains every parameter; `extract` freezes all but a new last layer. */
export type TutorialMode = 'finetune' | 'extract';
/** Both modes, in the tutorial's order. */
export const TUTORIAL_MODES: readonly TutorialMode[] = ['finetune', 'extract'];
/**
 * `probe`, which the tutorial does not have, computes each picture's features once in evaluation mode and trains a last
 * layer on them.
 */
export type TrainMode = TutorialMode | 'probe';
export const TRAIN_MODES: readonly TrainMode[] = [...TUTORIAL_MODES, 'probe'];

/** The two phases of an epoch: the first trains, the second evaluates on pictures that are not trained on. */
export type Phase = 'train' | 'val';

/** Networks that a run can build. */
export const ARCHITECTURES = ['resnet18', 'resnet34'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** The blocks of a ResNet from which on it may learn, in order; the last is the head. */
export const BLOCKS = ['conv1', 'layer1', 'layer2', 'layer3', 'layer4', 'fc'] as const;
export type Block = (typeof BLOCKS)[number];

/** The optimizers of a run. */
export const OPTIMIZERS = ['sgd', 'adamw'] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

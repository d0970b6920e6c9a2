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

/** The blocks of a ResNet from which on it may learn, in order; the last is the head. */
export const BLOCKS = ['conv1', 'layer1', 'layer2', 'layer3', 'layer4', 'fc'] as const;
export type Block = (typeof BLOCKS)[number];

/** The optimizers of a run. */
export const OPTIMIZERS = ['sgd', 'adamw'] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

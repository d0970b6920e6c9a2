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

/** torchvision's names of the networks that a run can build; `registry.ts` has what they are. */
export const ARCHITECTURES = [
  ...(['resnet18', 'resnet34', 'resnet50', 'resnet101', 'resnet152', 'wide_resnet50_2', 'wide_resnet101_2'] as const),
  ...(['resnext50_32x4d', 'resnext101_32x8d', 'resnext101_64x4d'] as const),
  ...(['mobilenet_v2', 'mobilenet_v3_small', 'mobilenet_v3_large', 'efficientnet_b0', 'convnext_tiny'] as const),
] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** The name of a network that an ONNX file describes. */
export const ONNX = 'onnx';
/** What runs and files call a network. */
export type NetName = Architecture | typeof ONNX;
/** Metadata of a run's weights: the graph of such a network, without weights. */
export const GRAPH_KEY = 'onnxGraph';
export const NET_NAMES: readonly NetName[] = [...ARCHITECTURES, ONNX];

/** The network of the tutorial. */
export const TUTORIAL_ARCHITECTURE: Architecture = 'resnet18';

/** The optimizers of a run. */
export const OPTIMIZERS = ['sgd', 'adamw'] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

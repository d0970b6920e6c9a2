/** Networks. Other folders import from this file, and from start.ts for the start of a run. */

export { BasicBlock, type BasicBlockOptions } from './basic-block.ts';
export { Bottleneck, type BottleneckOptions } from './bottleneck.ts';
export { Classifier } from './classifier.ts';
export { ConvNeXt, ConvNeXtBlock, type ConvNeXtShape, type ConvNeXtStage, convnext_tiny } from './convnext.ts';
export { EfficientNet, type EfficientNetShape, type EfficientNetStage, efficientnet_b0 } from './efficientnet.ts';
export { FeaturesClassifier, type FeaturesClassifierOptions } from './features-classifier.ts';
export { gradCam } from './grad-cam.ts';
export { InvertedResidual, type InvertedResidualParts } from './inverted-residual.ts';
export { MobileNetV2, type MobileNetV2Shape, type MobileNetV2Stage, mobilenet_v2 } from './mobilenet-v2.ts';
export {
  MobileNetV3,
  type MobileNetV3Block,
  type MobileNetV3Shape,
  mobilenet_v3_large,
  mobilenet_v3_small,
} from './mobilenet-v3.ts';
export { classifier } from './registry.ts';
export { ResNet, type ResNetOptions, type ResNetShape } from './resnet.ts';
export {
  resnet18,
  resnet34,
  resnet50,
  resnet101,
  resnet152,
  resnext50_32x4d,
  resnext101_32x8d,
  resnext101_64x4d,
  wide_resnet50_2,
  wide_resnet101_2,
} from './resnets.ts';

/** Networks. The room's door: other folders import from here, and the start of a run from start.ts. */

export { BasicBlock, type BasicBlockOptions } from './basic-block.ts';
export { ResNet, type ResNetOptions, resnet18, resnet34 } from './resnet.ts';

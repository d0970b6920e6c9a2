/** Networks. Other folders import from this file, and from start.ts for the start of a run. */

export { BasicBlock, type BasicBlockOptions } from './basic-block.ts';
export { gradCam } from './grad-cam.ts';
export { ResNet, type ResNetOptions, resnet18, resnet34 } from './resnet.ts';

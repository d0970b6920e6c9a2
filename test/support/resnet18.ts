/** The convolutions of fine-tuning ResNet-18 at 224×224, each shape and pass once. */
import type { AdapterTraits } from '../../src/gpu/gpu.ts';
import { type Conv2dWork, isConv2dWork } from '../../src/kernels/conv2d/work.ts';
import { rehearse } from '../../src/plan/index.ts';

/** A GPU with WebGPU's default limits and no optional features. */
export const PLAIN_GPU: AdapterTraits = {
  ...{ kind: 'gpu', subgroupSize: 0, maxWorkgroupStorage: 16384, maxInvocations: 256, shaderF16: false },
  ...{ vendor: '', architecture: '', description: '' },
};

export function resnet18Convolutions(batchSize: number): Conv2dWork[] {
  const { works } = rehearse(PLAIN_GPU, {
    ...{ mode: 'finetune', classes: 2, imageSize: 224, batchSize, momentum: 0 },
    pictures: { train: batchSize, val: batchSize },
  });
  return works.map(({ work }) => work).filter(isConv2dWork);
}

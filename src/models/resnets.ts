/** The ResNets that torchvision has weights of. timm has the same nets under the same names of entries. */
import type { Gpu } from '../gpu/gpu.ts';
import { torchvisionInput } from '../input-spec.ts';
import type { Entries, Net } from './net.ts';
import { featuresOf, HEAD, ResNet, type ResNetOptions, type ResNetShape } from './resnet.ts';

const SHAPES = {
  resnet18: { depths: [2, 2, 2, 2] },
  resnet34: { depths: [3, 4, 6, 3] },
  resnet50: { depths: [3, 4, 6, 3], block: 'bottleneck' },
  resnet101: { depths: [3, 4, 23, 3], block: 'bottleneck' },
  resnet152: { depths: [3, 8, 36, 3], block: 'bottleneck' },
  wide_resnet50_2: { depths: [3, 4, 6, 3], block: 'bottleneck', widthPerGroup: 128 },
  wide_resnet101_2: { depths: [3, 4, 23, 3], block: 'bottleneck', widthPerGroup: 128 },
  resnext50_32x4d: { depths: [3, 4, 6, 3], block: 'bottleneck', groups: 32, widthPerGroup: 4 },
  resnext101_32x8d: { depths: [3, 4, 23, 3], block: 'bottleneck', groups: 32, widthPerGroup: 8 },
  resnext101_64x4d: { depths: [3, 4, 23, 3], block: 'bottleneck', groups: 64, widthPerGroup: 4 },
} as const satisfies Record<string, ResNetShape>;

const BLOCKS = ['conv1', 'layer1', 'layer2', 'layer3', 'layer4', HEAD] as const;
/** Every ResNet has it, and nothing else. */
const MARK = 'layer1.0.conv1.weight';

/** ResNet-18: 11,689,512 parameters with 1000 classes. */
export function resnet18(gpu: Gpu, options: ResNetOptions): ResNet {
  return new ResNet(gpu, SHAPES.resnet18, options);
}

/** ResNet-34: 21,797,672 parameters with 1000 classes. */
export function resnet34(gpu: Gpu, options: ResNetOptions): ResNet {
  return new ResNet(gpu, SHAPES.resnet34, options);
}

/** ResNet-50: 25,557,032 parameters with 1000 classes. */
export function resnet50(gpu: Gpu, options: ResNetOptions): ResNet {
  return new ResNet(gpu, SHAPES.resnet50, options);
}

/** ResNet-101: 44,549,160 parameters with 1000 classes. */
export function resnet101(gpu: Gpu, options: ResNetOptions): ResNet {
  return new ResNet(gpu, SHAPES.resnet101, options);
}

/** ResNet-152: 60,192,808 parameters with 1000 classes. */
export function resnet152(gpu: Gpu, options: ResNetOptions): ResNet {
  return new ResNet(gpu, SHAPES.resnet152, options);
}

/** Wide ResNet-50-2: 68,883,240 parameters with 1000 classes. */
export function wide_resnet50_2(gpu: Gpu, options: ResNetOptions): ResNet {
  return new ResNet(gpu, SHAPES.wide_resnet50_2, options);
}

/** Wide ResNet-101-2: 126,886,696 parameters with 1000 classes. */
export function wide_resnet101_2(gpu: Gpu, options: ResNetOptions): ResNet {
  return new ResNet(gpu, SHAPES.wide_resnet101_2, options);
}

/** ResNeXt-50 32×4d: 25,028,904 parameters with 1000 classes. */
export function resnext50_32x4d(gpu: Gpu, options: ResNetOptions): ResNet {
  return new ResNet(gpu, SHAPES.resnext50_32x4d, options);
}

/** ResNeXt-101 32×8d: 88,791,336 parameters with 1000 classes. */
export function resnext101_32x8d(gpu: Gpu, options: ResNetOptions): ResNet {
  return new ResNet(gpu, SHAPES.resnext101_32x8d, options);
}

/** ResNeXt-101 64×4d: 83,455,272 parameters with 1000 classes. */
export function resnext101_64x4d(gpu: Gpu, options: ResNetOptions): ResNet {
  return new ResNet(gpu, SHAPES.resnext101_64x4d, options);
}

/** For the registry. */
export const RESNETS: readonly Net[] = [
  net('ResNet-18', 'resnet18'),
  net('ResNet-34', 'resnet34'),
  net('ResNet-50', 'resnet50'),
  net('ResNet-101', 'resnet101'),
  net('ResNet-152', 'resnet152'),
  net('Wide ResNet-50-2', 'wide_resnet50_2'),
  net('Wide ResNet-101-2', 'wide_resnet101_2'),
  net('ResNeXt-50 32×4d', 'resnext50_32x4d'),
  net('ResNeXt-101 32×8d', 'resnext101_32x8d'),
  net('ResNeXt-101 64×4d', 'resnext101_64x4d'),
];

function net(title: string, name: keyof typeof SHAPES): Net {
  const shape: ResNetShape = SHAPES[name];
  const featureSize = featuresOf(shape);
  return {
    ...{ name, title, headName: HEAD, featureSize, blocks: BLOCKS, marks: [MARK], input: torchvisionInput(name) },
    build: (gpu, options) => new ResNet(gpu, shape, options),
    fits: (entries) => fits(shape, entries),
  };
}

/** Looks at the first and the last block of each layer, and at the width of the first. */
function fits({ depths, block, groups = 1, widthPerGroup = 64 }: ResNetShape, entries: Entries): boolean {
  const depthsFit = depths.every((depth, i) => {
    const conv1 = (at: number) => entries.has(`layer${i + 1}.${at}.conv1.weight`);
    return conv1(depth - 1) && !conv1(depth);
  });
  const isBasic = !entries.has('layer1.0.conv3.weight');
  if (!depthsFit || isBasic !== (block !== 'bottleneck') || entries.has('conv1.0.weight')) return false;
  if (isBasic) return true;
  const [width, groupWidth] = entries.get('layer1.0.conv2.weight')?.shape ?? [];
  return width === groups * widthPerGroup && groupWidth === widthPerGroup;
}

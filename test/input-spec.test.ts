/** What is known of the inputs of networks, and what files say of them. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  IMAGENET_INPUT,
  type InputSpec,
  inputAt,
  inputFrom,
  inputMetadata,
  isInputSpec,
  readInput,
  torchvisionInput,
  withCrop,
  writtenInput,
} from '../src/input-spec.ts';
import { NETS } from '../src/models/registry.ts';

/** Made by data/make-golden-input.py. */
const { weights } = JSON.parse(readFileSync(new URL('golden/data-input.json', import.meta.url), 'utf8')) as {
  readonly weights: readonly { architecture: string; file: string; first: boolean; input: InputSpec }[];
};

test.each(weights)('$file: what torchvision states', ({ architecture, file, first, input }) => {
  expect(torchvisionInput(architecture, `/some where/${file}`)).toEqual(input);
  expect(torchvisionInput(architecture, `C:\\some where\\${file}#state`)).toEqual(input);
  if (first) expect(torchvisionInput(architecture)).toEqual(input);
  expect(isInputSpec(input)).toBe(true);
});

test('each known net has the input of its first weights', () => {
  for (const { name, input } of NETS) {
    expect(input, name).toEqual(weights.find(({ architecture, first }) => first && architecture === name)!.input);
    expect(torchvisionInput(name), name).toEqual(input);
  }
});

test('a hash elsewhere in a path, and a net of no list, tell nothing', () => {
  for (const file of ['resnet50-11ad3fa6.pth/model.pth', '11ad3fa6.pth', 'resnet50-11ad3fa60.pth', 'x-deadbeef.pth']) {
    expect(torchvisionInput('resnet50', file)).toBe(IMAGENET_INPUT);
  }
  expect(torchvisionInput('constructor')).toBe(IMAGENET_INPUT);
});

test('another side keeps the ratio', () => {
  expect(withCrop(IMAGENET_INPUT, 160)).toEqual({ ...IMAGENET_INPUT, crop: 160, resize: 183 });
  expect(withCrop(torchvisionInput('convnext_tiny'), 160)).toMatchObject({ crop: 160, resize: 169 });
  expect(inputAt(IMAGENET_INPUT, undefined, 'resnet18')).toBe(IMAGENET_INPUT);
  // 96/224 of 256 is 109.7.
  for (const own of [IMAGENET_INPUT, torchvisionInput('efficientnet_b0')]) {
    const architecture = own === IMAGENET_INPUT ? 'resnet18' : 'efficientnet_b0';
    expect(inputAt(withCrop(own, 96), 224, architecture)).toEqual(own);
  }
  expect(inputAt({ ...IMAGENET_INPUT, resize: 112, crop: 96 }, 192, 'resnet18').resize).toBe(224);
});

const EFFICIENT = withCrop(torchvisionInput('efficientnet_b0'), 96);
const SECOND = torchvisionInput('resnet50', 'resnet50-11ad3fa6.pth');

test.each([
  ['resnet18', IMAGENET_INPUT, false],
  ['resnet18', withCrop(IMAGENET_INPUT, 96), false],
  ['resnet50', SECOND, true],
  ['resnet50', { ...IMAGENET_INPUT, std: [0.229, 0.224, 0.226] } as const, true],
  ['efficientnet_b0', EFFICIENT, true],
  ['efficientnet_b0', IMAGENET_INPUT, true],
] as const)('files of a %s: what is written is read', (architecture, input, isSaid) => {
  const written = writtenInput(input, architecture);
  expect(written !== undefined).toBe(isSaid);
  expect(readInput(written, architecture, input.crop)).toEqual(input);
  const metadata = inputMetadata(input, architecture);
  expect(Object.keys(metadata)).toEqual(isSaid ? ['imageSize', 'input'] : ['imageSize']);
  expect(inputFrom(metadata, architecture, 'best.safetensors')).toEqual(input);
});

test('files without a word of it: torchvision’s, at the side that is told', () => {
  expect(inputFrom({}, 'efficientnet_b0', 'b0.pth')).toEqual(torchvisionInput('efficientnet_b0'));
  expect(inputFrom({ imageSize: '96' }, 'efficientnet_b0', 'b0.pth')).toEqual(EFFICIENT);
  expect(inputFrom({}, 'resnet50', 'resnet50-11ad3fa6.pth')).toEqual(SECOND);
});

test.each([
  ['no JSON', '{'],
  ['no object', '7'],
  ['null', 'null'],
  ['a crop beyond the range', JSON.stringify({ ...IMAGENET_INPUT, crop: 31 })],
  ['half a pixel', JSON.stringify({ ...IMAGENET_INPUT, crop: 224.5 })],
  ['a resize beyond the range', JSON.stringify({ ...IMAGENET_INPUT, resize: 1e9 })],
  ['an unknown interpolation', JSON.stringify({ ...IMAGENET_INPUT, interpolation: 'nearest' })],
  ['a deviation of 0', JSON.stringify({ ...IMAGENET_INPUT, std: [0.2, 0, 0.2] })],
  ['two means', JSON.stringify({ ...IMAGENET_INPUT, mean: [0.5, 0.5] })],
  ['means that are no numbers', JSON.stringify({ ...IMAGENET_INPUT, mean: ['0.5', 0.5, 0.5] })],
])('a foreign word under the same key is no input: %s', (_, input) => {
  expect(inputFrom({ imageSize: '96', input }, 'resnet18', 'x.pth')).toEqual(withCrop(IMAGENET_INPUT, 96));
});

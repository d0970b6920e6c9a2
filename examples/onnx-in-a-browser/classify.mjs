/** A file that `npm run export` has written, run by ONNX Runtime's WebAssembly: pictures to classes. */

import { readMetadata } from './metadata.mjs';
import * as ort from './node_modules/onnxruntime-web/dist/ort.wasm.min.mjs';
import { resize } from './resize.mjs';

// More threads need a page that is isolated from other origins.
ort.env.wasm.numThreads = 1;

/**
 * @param {Uint8Array} bytes of the file
 * @throws {Error} if it has no metadata of an exported classifier
 */
export async function openClassifier(bytes) {
  const metadata = readMetadata(bytes);
  const [classes, input] = ['classes', 'input'].map((key) => JSON.parse(metadata.get(key) ?? 'null'));
  if (!classes || !input) throw new Error('This file names no classes and no input: write one by `npm run export`.');
  const takesPixels = metadata.get('pixels')?.startsWith('0 to 255') ?? false;
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  return { session, classes, input, takesPixels, architecture: metadata.get('architecture') };
}

/**
 * The classes of a picture with their probabilities, the likeliest first.
 * @param classifier of `openClassifier`
 * @param {Blob} picture a file that the browser can decode
 */
export async function classify({ session, classes, input, takesPixels }, picture) {
  const { pixels, side } = await squareOf(picture, input);
  const [{ type } = {}] = session.inputMetadata ?? [];
  const values = takesPixels ? pixels : pixels.map((value, i) => normalised(value, Math.floor(i / side ** 2), input));
  const tensor = new ort.Tensor(...(type === 'uint8' ? ['uint8', Uint8Array.from(values)] : ['float32', values]), [
    1,
    3,
    side,
    side,
  ]);
  const { scores } = await session.run({ [session.inputNames[0]]: tensor });
  const largest = Math.max(...scores.data);
  const shares = Array.from(scores.data, (score) => Math.exp(score - largest));
  const sum = shares.reduce((total, share) => total + share, 0);
  return classes
    .map((name, i) => ({ name, probability: shares[i] / sum }))
    .sort((a, b) => b.probability - a.probability);
}

const normalised = (value, channel, { mean, std }) => (value / 255 - mean[channel]) / std[channel];

/** The centre of the resized picture as three planes: red, green, blue, from 0 to 255. */
async function squareOf(picture, { resize: shorter, crop, interpolation }) {
  const image = await decode(picture);
  const scale = shorter / Math.min(image.width, image.height);
  // The longer side is rounded down, as torchvision does.
  const [width, height] = [image.width, image.height].map((extent) =>
    extent * scale === shorter ? shorter : Math.trunc((shorter * extent) / Math.min(image.width, image.height)),
  );
  const resized = resize(image, width, height, interpolation);
  const [left, top] = [width, height].map((extent) => roundHalfEven((extent - crop) / 2));
  const pixels = new Float32Array(3 * crop * crop);
  for (let i = 0; i < pixels.length; i++) {
    const [channel, y, x] = [Math.floor(i / crop ** 2), Math.floor(i / crop) % crop, i % crop];
    const [row, column] = [top + y, left + x];
    const inside = row >= 0 && column >= 0 && row < height && column < width;
    pixels[i] = inside ? resized[3 * (row * width + column) + channel] : 0;
  }
  return { pixels, side: crop };
}

/** Turned as its EXIF says, without a change of colours, as RGB. */
async function decode(picture) {
  const bitmap = await createImageBitmap(picture, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  return {
    width,
    height,
    pixels: Uint8Array.from({ length: 3 * width * height }, (_, i) => data[i + Math.floor(i / 3)]),
  };
}

function roundHalfEven(value) {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}

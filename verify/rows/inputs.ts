/** Each network's own input against torchvision and Pillow: what it is, and what it makes of drawn pictures. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  type Box,
  DataLoader,
  DecoderPool,
  decode,
  Generator,
  type Picture,
  resizedCrop,
  valCrop,
  valTransform,
} from '../../src/data/index.ts';
import { type InputSpec, type Interpolation, torchvisionInput } from '../../src/input-spec.ts';
import { all, atMost, type Row, scientific } from '../row.ts';
import { largestDifference, runScript } from '../tensors.ts';

const BAR = 1e-6;

/** Of verify/python/inputs.py; places are offsets in results.bin. */
interface Torch {
  readonly pictures: number;
  readonly weights: readonly { readonly architecture: string; readonly file: string; readonly input: InputSpec }[];
  readonly inputs: readonly {
    readonly input: InputSpec;
    readonly results: readonly { readonly pixels: number; readonly values: number }[];
  }[];
  readonly crops: readonly {
    readonly picture: number;
    readonly box: Box;
    readonly size: number;
    readonly interpolation: Interpolation;
    readonly pixels: number;
  }[];
}

export const inputs: Row = {
  name: 'inputs',
  title: 'the input of each of torchvision’s weights: what it is, and its pixels and values of drawn pictures',
  minutes: 1,
  ci: true,
  run: async (context) => {
    const { scratch } = context;
    runScript(context, 'verify/python/inputs.py', [scratch]);
    const torch = JSON.parse(readFileSync(join(scratch, 'results.json'), 'utf8')) as Torch;
    const bytes = readFileSync(join(scratch, 'results.bin'));
    const samples = Array.from({ length: torch.pictures }, (_, i) => ({ path: join(scratch, `${i}.png`), label: 0 }));
    const pictures = await Promise.all(samples.map(({ path }) => decode(path)));
    const isAt = (place: number, pixels: Uint8Array) =>
      Buffer.from(pixels).equals(bytes.subarray(place, place + pixels.length));

    const stated = torch.weights.filter(({ architecture, file, input }) =>
      isDeepStrictEqual(torchvisionInput(architecture, file), input),
    );
    let [equal, furthest] = [0, 0];
    const pool = new DecoderPool(2);
    for (const { input, results } of torch.inputs) {
      const transform = valTransform(input);
      equal += results.filter(({ pixels }, i) => isAt(pixels, valCrop(pictures[i]!, transform))).length;
      const options = { batchSize: 1, shuffle: false, transform, generator: new Generator(0), pool };
      for await (const { images, indices } of new DataLoader({ classes: ['drawn'], samples }, options)) {
        const from = bytes.byteOffset + results[indices[0]!]!.values;
        const values = new Float32Array(bytes.buffer.slice(from, from + images.byteLength));
        furthest = Math.max(furthest, largestDifference(images, values));
      }
    }
    await pool.close();
    const cropped = torch.crops.filter(({ picture, pixels, ...crop }) =>
      isAt(pixels, cropOf(pictures[picture]!, crop)),
    );
    return [
      all('weights whose input is as torchvision states it', stated.length, torch.weights.length),
      all('pictures with Pillow’s pixels', equal, torch.inputs.length * torch.pictures),
      atMost('what the network gets of them, largest difference', furthest, BAR, scientific),
      all('random crops with Pillow’s pixels', cropped.length, torch.crops.length),
    ];
  },
};

function cropOf(
  picture: Picture,
  { box, ...transform }: Omit<Torch['crops'][number], 'picture' | 'pixels'>,
): Uint8Array {
  return resizedCrop(picture, box, transform, new Uint8Array(transform.size ** 2 * 3));
}

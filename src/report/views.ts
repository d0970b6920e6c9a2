/** Pictures of a judgement for a page: small, with a heat map of what spoke for the answer beside each. */
import { resolve } from 'node:path';
import { Tensor } from '../autograd/index.ts';
import { type DecoderPool, type Picture, valTransform } from '../data/index.ts';
import { FileError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Watchdog } from '../gpu/watchdog.ts';
import type { InputSpec } from '../input-spec.ts';
import type { Answer, Judgement } from '../judge/index.ts';
import type { Chooser } from '../kernels/chooser.ts';
import { type Classifier, gradCam } from '../models/index.ts';
import { pictureOf, smallJpeg, underHeat } from '../pictures/index.ts';

/** What reads pictures, and what knows where the network looked. */
export interface Eyes {
  readonly pool: DecoderPool;
  /** Without it there are no heat maps. */
  readonly network: Network | undefined;
}

/** A network on a device. */
export interface Network {
  readonly gpu: Gpu;
  readonly chooser: Chooser;
  /** In evaluation mode. */
  readonly model: Classifier;
  /** Pictures in a batch: the memory was planned for so many. */
  readonly batchSize: number;
  readonly watchdog: Watchdog;
}

/** A picture for a page. */
export interface View {
  /** `data:` URL of a JPEG: what the network saw of the picture. */
  readonly picture: string;
  /** `data:` URL of a JPEG: the same under its heat; undefined without a network. */
  readonly heat: string | undefined;
}

/** Pixels of a picture's side in the page. */
const SIDE = 192;
/** Of all pictures of a page together, as `data:` URLs. */
export const MOST_PICTURE_BYTES = 4_000_000;

/**
 * Views of some answers, as many as fit `MOST_PICTURE_BYTES`, the first first. An answer whose picture cannot be read any more
 * has none.
 * @param data the folder that the answers' paths are relative to
 * @throws MissingPackageError; errors of the device
 */
export async function viewsOf(
  answers: readonly Answer[],
  {
    classes,
    data,
    input,
  }: { readonly classes: Judgement['classes']; readonly data: string; readonly input: InputSpec },
  { pool, network }: Eyes,
): Promise<Map<Answer, View>> {
  const views = new Map<Answer, View>();
  const labels = new Map(classes.map(({ name }, label) => [name, label]));
  const size = network?.batchSize ?? 1;
  let bytes = 0;
  for (let first = 0; first < answers.length; first += size) {
    const inputs = await inputsOf(answers.slice(first, first + size), data, input, pool);
    if (inputs.length === 0) continue;
    const heats = network && (await heatsOf(inputs, labels, input.crop, network));
    for (const [i, { answer, image }] of inputs.entries()) {
      const picture = pictureOf(image, 1, 0, input);
      const heat = heats?.[i];
      const view = {
        picture: await dataUrl(picture),
        heat: heat?.some((value) => value > 0) ? await dataUrl(underHeat(picture, heat)) : undefined,
      };
      bytes += view.picture.length + (view.heat?.length ?? 0);
      if (bytes > MOST_PICTURE_BYTES) return views;
      views.set(answer, view);
    }
  }
  return views;
}

interface Input {
  readonly answer: Answer;
  /** [3, size, size], normalised. */
  readonly image: Float32Array<ArrayBuffer>;
}

async function inputsOf(
  answers: readonly Answer[],
  data: string,
  input: InputSpec,
  pool: DecoderPool,
): Promise<Input[]> {
  const transform = valTransform(input);
  const read = async (answer: Answer): Promise<Input[]> => {
    try {
      const job = { transform, pictures: [{ path: resolve(data, answer.path), slot: undefined }] };
      return [{ answer, image: await pool.render(job, new Float32Array(3 * input.crop ** 2)) }];
    } catch (error) {
      // It was moved or changed since: the page goes without it.
      if (error instanceof FileError) return [];
      throw error;
    }
  };
  return (await Promise.all(answers.map(read))).flat();
}

/** The heat of each picture for its answer, [size, size] each. */
async function heatsOf(
  inputs: readonly Input[],
  labels: ReadonlyMap<string, number>,
  imageSize: number,
  { gpu, chooser, model, watchdog }: Network,
): Promise<Float32Array[]> {
  const plane = imageSize ** 2;
  const images = new Float32Array(inputs.length * 3 * plane);
  for (const [i, { image }] of inputs.entries()) images.set(image, i * 3 * plane);
  const asked = inputs.map(({ answer }) => labels.get(answer.answer) ?? 0);
  const readback = gpu.withChooser(chooser, () => {
    const batch = Tensor.from(gpu, images, [inputs.length, 3, imageSize, imageSize]);
    const heat = gradCam(model, batch, asked);
    const values = heat.readback();
    for (const tensor of [batch, heat]) tensor.dispose();
    return values;
  });
  const values = new Float32Array(await watchdog.watch(readback.get()));
  return inputs.map((_, i) => values.subarray(i * plane, (i + 1) * plane));
}

async function dataUrl(picture: Picture): Promise<string> {
  return `data:image/jpeg;base64,${(await smallJpeg(picture, SIDE)).toString('base64')}`;
}

/** The input of a graph that takes the pictures. */
import { FileError } from '../errors.ts';
import { listed, quote } from '../printable.ts';
import type { Parts } from './parts.ts';
import type { OnnxModel } from './types.ts';

export interface ImageInput {
  readonly name: string;
  /** Whether colours come last: [N, H, W, 3], as in TensorFlow, instead of [N, 3, H, W]. */
  readonly channelsLast: boolean;
  /** Pictures of a batch, if the file was written for a fixed number. */
  readonly batch: number | undefined;
  /** Height and width, if they are fixed and equal, pixels. */
  readonly side: number | undefined;
}

/**
 * The first input that is no initialiser.
 * @throws FileError unless it takes pictures of three colours
 */
export function imageInputOf(model: OnnxModel, file: string): ImageInput {
  const { graph } = model;
  const free = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  const [input] = free;
  if (!input) throw new FileError(`${file}: has no input for pictures; give a classifier of pictures`);
  const { name, type, shape } = input;
  const text = shape ? `[${shape.map((size) => size ?? '?').join(', ')}]` : 'unknown shape';
  const channelsLast = shape?.length === 4 && shape[3] === 3 && shape[1] !== 3;
  const rank = shape === undefined || shape.length === 4;
  const colours = channelsLast || typeof shape?.[1] !== 'number' || shape[1] === 3;
  const typed = type === undefined || type === 'f32' || (type === 'u8' && takesPixels(model));
  if (!typed || !rank || !colours) {
    throw new FileError(
      `${file}: expected an input of f32 pictures [N, 3, H, W], found ${quote(name)} of ${type ?? 'no known type'}, ${text} ` +
        `(inputs: ${listed(free.map((one) => one.name))}); give a classifier of pictures in colour`,
    );
  }
  const [height, width] = channelsLast ? [shape[1], shape[2]] : [shape?.[2], shape?.[3]];
  return {
    ...{ name, channelsLast },
    batch: typeof shape?.[0] === 'number' && shape[0] > 0 ? shape[0] : undefined,
    side: typeof height === 'number' && height === width && height > 0 ? height : undefined,
  };
}

/** Metadata that this program writes: what numbers the input takes. */
const PIXELS_KEY = 'pixels';
/** Its value where the graph normalises them itself. */
const RAW_PIXELS = '0 to 255';

const takesPixels = ({ metadata }: OnnxModel) => metadata.get(PIXELS_KEY)?.startsWith(RAW_PIXELS) ?? false;

const PREPARING: ReadonlySet<string> = new Set(['Cast', 'Div', 'Sub']);

/**
 * Pictures come normalised here. If the graph says that it normalises pixels itself, as files of this program do on request,
 * they enter behind that.
 */
export function withoutPreparing(image: ImageInput, model: OnnxModel, { nodes, makers }: Parts): ImageInput {
  if (!takesPixels(model)) return image;
  let { name } = image;
  for (const { op, inputs, outputs } of nodes) {
    const isNext = PREPARING.has(op) && inputs[0] === name && inputs.slice(1).every((other) => !makers.has(other));
    if (isNext) name = outputs[0]!;
  }
  return { ...image, name };
}

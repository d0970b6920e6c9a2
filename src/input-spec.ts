/**
 * How the pictures must be that a network takes. A file of its own, as networks, data and commands all state it; it needs
 * nothing of any of them.
 */

/** What the pixels of a resized picture are made of. */
export const INTERPOLATIONS = ['bilinear', 'bicubic'] as const;
export type Interpolation = (typeof INTERPOLATIONS)[number];

/** What is taken from the values of a picture and what they are divided by: of red, green and blue, for values from 0 to 1. */
export interface Statistics {
  /** Mean of each channel. */
  readonly mean: readonly [number, number, number];
  /** Standard deviation of each channel. */
  readonly std: readonly [number, number, number];
}

/** How a network takes a picture in evaluation: resized, cropped to its centre, normalised. */
export interface InputSpec extends Statistics {
  /** Length of the shorter side before the centre crop, pixels. */
  readonly resize: number;
  /** Side of the square that the network sees, pixels. */
  readonly crop: number;
  readonly interpolation: Interpolation;
}

/** The tutorial's, and that of most networks. */
export const IMAGENET_INPUT: InputSpec = {
  resize: 256,
  crop: 224,
  interpolation: 'bilinear',
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/**
 * The sides of a square that a network may see, pixels. It halves them five times. The first feature map of one larger
 * picture would take more than 4 GiB, which no buffer of WebGPU can have.
 */
export const CROP_RANGE = { least: 32, most: 8192 } as const;
/** Beyond what anyone resizes to; a larger one is a mistake in a file. */
const MOST_RESIZE = 65_536;

/** Nets whose first weights of torchvision 0.14 take a picture otherwise than the tutorial. */
const OF_NETS: Readonly<Record<string, Partial<InputSpec>>> = {
  resnext101_64x4d: { resize: 232 },
  efficientnet_b0: { interpolation: 'bicubic' },
  convnext_tiny: { resize: 236 },
};

/** Weights of torchvision's second recipe, by the hash in the names of their files. They have the entries of the first. */
const SECOND_WEIGHTS: ReadonlySet<string> = new Set([
  ...['11ad3fa6', 'cd907fc2', 'f82ba261'], // resnet50, 101, 152
  ...['1a0047aa', '110c445d'], // resnext50_32x4d, resnext101_32x8d
  ...['9ba9bcbe', 'd733dc28'], // wide_resnet50_2, wide_resnet101_2
  ...['7ebf99e0', '5c1a4163'], // mobilenet_v2, mobilenet_v3_large
]);
const SECOND_RESIZE = 232;

/**
 * How torchvision's weights of a net take a picture, as `torchvision.models.…_Weights.….transforms` states it.
 * @param architecture torchvision's name of the net; of one that is not listed, the tutorial's
 * @param file the path of the weights: a hash in its name, such as `resnet50-11ad3fa6.pth`, tells the second weights of a net
 *   from the first
 */
export function torchvisionInput(architecture: string, file = ''): InputSpec {
  const input = Object.hasOwn(OF_NETS, architecture) ? { ...IMAGENET_INPUT, ...OF_NETS[architecture] } : IMAGENET_INPUT;
  const hash = /-([0-9a-f]{8})\.[^/\\]*$/.exec(file)?.[1];
  return hash !== undefined && SECOND_WEIGHTS.has(hash) ? { ...input, resize: SECOND_RESIZE } : input;
}

/** The same for a square of another side, pixels: the shorter side keeps its ratio to it, rounded. */
export function withCrop(input: InputSpec, crop: number): InputSpec {
  return crop === input.crop ? input : { ...input, crop, resize: Math.round((crop * input.resize) / input.crop) };
}

/**
 * The same for a square of another side, pixels, if one is asked for. If the input itself is that of the net at some side,
 * the ratio is the net's, and not that of the rounded numbers.
 */
export function inputAt(input: InputSpec, crop: number | undefined, architecture: string): InputSpec {
  if (crop === undefined) return input;
  const own = torchvisionInput(architecture);
  return withCrop(isSame(input, withCrop(own, input.crop)) ? own : input, crop);
}

/**
 * What a file of a run needs to say beside the side of the square; undefined where that is the tutorial's, so that files
 * stay as they were before nets had inputs of their own.
 */
export function writtenInput(input: InputSpec, architecture: string): InputSpec | undefined {
  const isTutorials = torchvisionInput(architecture) === IMAGENET_INPUT;
  return isTutorials && isSame(input, withCrop(IMAGENET_INPUT, input.crop)) ? undefined : input;
}

/** The input that `writtenInput` has written, or left out. @param crop side of the square, pixels */
export function readInput(written: InputSpec | undefined, architecture: string, crop: number): InputSpec {
  return written ?? withCrop(torchvisionInput(architecture), crop);
}

/** The keys of a file of weights that say how its network takes a picture. */
const CROP_KEY = 'imageSize';
const INPUT_KEY = 'input';

/** What the metadata of a run's weights say of it: strings, as the format requires. */
export function inputMetadata(input: InputSpec, architecture: string): Record<string, string> {
  const written = writtenInput(input, architecture);
  return { [CROP_KEY]: String(input.crop), ...(written && { [INPUT_KEY]: JSON.stringify(written) }) };
}

/**
 * How the network of a file of weights takes a picture: as a run has recorded it, else as torchvision's weights do.
 * @param file its path
 */
export function inputFrom(metadata: Readonly<Record<string, string>>, architecture: string, file: string): InputSpec {
  const own = torchvisionInput(architecture, file);
  const recorded = parse(metadata[INPUT_KEY]);
  // Another program may use these keys for anything.
  if (isInputSpec(recorded)) return recorded;
  const crop = Number(metadata[CROP_KEY]);
  return isCrop(crop) ? withCrop(own, crop) : own;
}

function parse(json: string | undefined): unknown {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isSame(a: InputSpec, b: InputSpec): boolean {
  const numbers = ({ resize, crop, mean, std }: InputSpec) => [resize, crop, ...mean, ...std].join();
  return a.interpolation === b.interpolation && numbers(a) === numbers(b);
}

/** Whether a value that was read from a file is an input that a network can have. */
export function isInputSpec(value: unknown): value is InputSpec {
  if (typeof value !== 'object' || value === null) return false;
  const { resize, crop, interpolation, mean, std } = value as Record<keyof InputSpec, unknown>;
  return (
    isCrop(crop) &&
    isWhole(resize, 1, MOST_RESIZE) &&
    INTERPOLATIONS.some((one) => one === interpolation) &&
    isTriple(mean, Number.isFinite) &&
    isTriple(std, (one) => Number.isFinite(one) && one > 0)
  );
}

function isCrop(value: unknown): boolean {
  return isWhole(value, CROP_RANGE.least, CROP_RANGE.most);
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
}

function isTriple(value: unknown, allows: (one: number) => boolean): boolean {
  return Array.isArray(value) && value.length === 3 && value.every((one) => typeof one === 'number' && allows(one));
}

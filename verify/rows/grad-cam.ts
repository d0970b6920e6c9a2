/** Grad-CAM by our own autograd against PyTorch's hooks: drawn networks of both depths, and ImageNet's weights. */
import { noGrad, scope, Tensor } from '../../src/autograd/index.ts';
import { DataLoader, Generator, ImageFolder, VAL_TRANSFORM } from '../../src/data/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { type Classifier, classifier, gradCam, resnet18 } from '../../src/models/index.ts';
import type { Architecture } from '../../src/models/types.ts';
import { readCheckpoint, type TensorData } from '../../src/weights/index.ts';
import { atLeast, atMost, type Context, either, type Outcome, type Row, scientific } from '../row.ts';
import { runPython } from '../tensors.ts';

/** Relative to each map's maximum. Float32 sums over 20 to 36 layers differ by some 1e-6 of their size. */
const BAR = 1e-4;

/** Not square, so that rows and columns cannot be confused; layer4 has 3×5 places. */
const SMALL = { count: 4, classes: 10, height: 96, width: 160 };
/** ImageNet's ant, bee and tabby: what the pictures show, and what they do not. */
const ASKED = [310, 309, 281];
const PICTURES = 6;

export const gradCamRow: Row = {
  name: 'grad-cam',
  title: 'heat maps of layer4, several pictures and classes, against PyTorch’s hooks: drawn networks and ImageNet’s',
  minutes: 1,
  ci: true,
  run: async (context) => {
    const gpu = await openGpu();
    try {
      return [
        ...(await drawn(context, gpu, 'resnet18')),
        ...(await drawn(context, gpu, 'resnet34')),
        ...(await trained(context, gpu)),
      ];
    } finally {
      gpu.close();
    }
  },
};

interface Batch {
  readonly images: Float32Array<ArrayBuffer>;
  readonly shape: readonly [number, number, number, number];
}

/** A network of seeded weights, with statistics of its own activations as training leaves them. */
async function drawn(context: Context, gpu: Gpu, architecture: Architecture): Promise<Outcome[]> {
  const { count, classes, height, width } = SMALL;
  const random = new Generator(7);
  const model = classifier(gpu, architecture, { classes, random });
  const shape = [count, 3, height, width] as const;
  const images = new Float32Array(count * 3 * height * width);
  await drawNorms(model, random);
  for (let pass = 0; pass < 20; pass++) {
    random.fillNormal(images, 0, 1);
    scope(() => noGrad(() => void model.call(Tensor.from(gpu, images, shape))));
  }
  model.eval();
  const state = await model.exportState();
  const weights = new Map<string, TensorData>();
  for (const [name, entry] of state)
    if (entry.data instanceof Float32Array) weights.set(`model.${name}`, entry as TensorData);
  const outcomes = await compare(
    context,
    model,
    architecture,
    { images, shape },
    [
      [0, 3, 9, 3],
      [5, 1, 7, 2],
    ],
    weights,
    [],
  );
  const before = state.get('bn1.running_mean')!.data;
  const after = (await model.exportState()).get('bn1.running_mean')!.data;
  const same = before.every((value, i) => value === after[i]) && model.parameters().every(({ grad }) => !grad);
  model.dispose();
  return [
    ...outcomes,
    either(`${architecture}, drawn: parameters’ gradients and statistics`, same, 'untouched', 'changed'),
  ];
}

/** Scales and offsets of the batch norms, which a new network has as ones and zeros. */
async function drawNorms(model: Classifier, random: Generator): Promise<void> {
  const state = await model.exportState();
  const draw = (low: number, high: number) => () => random.uniform(low, high);
  for (const [name, { data }] of state) {
    const part = /(?:bn\d|downsample\.1)\.(weight|bias)$/.exec(name)?.[1];
    if (part) data.set(Array.from(data, part === 'weight' ? draw(0.3, 1) : draw(-0.3, 0.3)));
  }
  model.loadStateDict(state);
}

async function trained(context: Context, gpu: Gpu): Promise<Outcome[]> {
  const model = resnet18(gpu, { classes: 1000, init: 'skip' });
  model.loadStateDict(readCheckpoint(context.weights).tensors);
  model.eval();
  const batch = await somePictures(context);
  const questions = ASKED.map((index) => new Array<number>(PICTURES).fill(index));
  const outcomes = await compare(context, model, 'resnet18', batch, questions, new Map(), [context.weights]);
  model.dispose();
  return outcomes;
}

/** Pictures spread over val. */
async function somePictures({ data }: Context): Promise<Batch> {
  const { classes, samples } = new ImageFolder(`${data}/val`);
  const chosen = Array.from(
    { length: PICTURES },
    (_, i) => samples[Math.floor(((i + 0.5) * samples.length) / PICTURES)]!,
  );
  const loader = new DataLoader(
    { classes, samples: chosen },
    { batchSize: PICTURES, shuffle: false, transform: VAL_TRANSFORM, generator: new Generator(0) },
  );
  for await (const { images } of loader) {
    const copy = images.slice();
    await loader.close();
    return { images: copy, shape: [PICTURES, 3, 224, 224] };
  }
  throw new Error('no pictures');
}

async function compare(
  context: Context,
  model: Classifier,
  architecture: Architecture,
  { images, shape }: Batch,
  questions: readonly (readonly number[])[],
  weights: Map<string, TensorData>,
  args: readonly string[],
): Promise<Outcome[]> {
  const what = `${architecture}, ${args.length > 0 ? 'ImageNet’s weights' : 'drawn'}`;
  const plane = shape[2] * shape[3];
  let [worst, blank, maps] = [0, 0, 0];
  for (const classes of questions) {
    const inputs = new Map<string, TensorData>([
      ...weights,
      ['images', { shape, data: images }],
      ['classes', { shape: [classes.length], data: Float32Array.from(classes) }],
    ]);
    const { tensors } = runPython(context, 'grad_cam.py', inputs, [architecture, ...args]);
    const theirs = tensors.get('heat')!.data;
    const heat = gradCam(model, Tensor.from(model.parameters()[0]!.gpu, images, shape), classes);
    const ours = await heat.data();
    heat.dispose();
    for (let i = 0; i < classes.length; i++) {
      const [a, b] = [ours, theirs].map((all) => all.subarray(i * plane, (i + 1) * plane)) as [
        Float32Array,
        Float32Array,
      ];
      const most = b.reduce((high, value) => Math.max(high, value), 0);
      const apart = b.reduce((high, value, at) => Math.max(high, Math.abs(value - a[at]!)), 0);
      maps++;
      if (most === 0) blank++;
      worst = Math.max(worst, most > 0 ? apart / most : apart);
    }
  }
  return [
    atMost(`${what}: ${maps} maps, largest difference to the map’s maximum`, worst, BAR, scientific),
    atLeast(`${what}: maps that are not all zeros`, maps - blank, maps / 2, String),
  ];
}

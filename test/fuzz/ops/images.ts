/** Rows for convolutions, batch norms and pools. */
import * as engine from '../../../src/autograd/index.ts';
import { type Shape, sizeOf, type Tensor } from '../../../src/autograd/index.ts';
import { conv2dBatchNorm2d as fused } from '../../../src/autograd/ops/conv2d-batch-norm2d.ts';
import { convolvedExtent } from '../../../src/kernels/conv2d/shape.ts';
import { CHANNELS, CONVOLUTIONS, DILATIONS, EPSILONS, type Extents, MOMENTA, POOLS, type Window } from '../choices.ts';
import type { Token } from '../draft.ts';
import {
  BIASED,
  between,
  type Call,
  chooser,
  FROZEN,
  MOST_PRODUCTS,
  MOST_VALUES,
  ofRank,
  pick,
  RELU,
  RESIDUAL,
  REUSED,
  type Row,
  row,
  type Site,
  same,
  sameAs,
  spread,
  type Tensors,
  TRAINING,
} from './row.ts';

export const images = ofRank(4);

type Places = { readonly stride: Extents; readonly padding: Extents; readonly dilation: Extents };
type Convolution = Places & { readonly groups: number };
type Norm = {
  readonly training: boolean;
  readonly relu: boolean;
  readonly eps: number;
  readonly momentum: number;
};

const extentsOf = (shape: Shape, kernel: Extents, { stride, padding, dilation }: Places): Extents => [
  convolvedExtent(shape[2]!, kernel[0], stride[0], padding[0], dilation[0]),
  convolvedExtent(shape[3]!, kernel[1], stride[1], padding[1], dilation[1]),
];

/** A pair, or one number if both are equal, as callers write it. */
const pairOf = ([height, width]: Extents) => (height === width ? height : ([height, width] as const));
const placesOf = ({ stride, padding, dilation }: Places) => ({
  stride: pairOf(stride),
  padding: pairOf(padding),
  dilation: pairOf(dilation),
});
const optionsOf = (options: Convolution) => ({ ...placesOf(options), groups: options.groups });

/** The weight and options of a convolution. */
function convolution(site: Site, token: Token, shape: Shape) {
  const [batch, inChannels] = shape as [number, number];
  const choose = chooser(token.option);
  const wanted = choose(CONVOLUTIONS);
  const groups = choose([1, 1, inChannels, inChannels % 2 === 0 ? 2 : 1]);
  const dilation = choose(DILATIONS);
  const fits = ({ kernel, ...rest }: Window, dilated: Extents) =>
    Math.min(...extentsOf(shape, kernel, { ...rest, dilation: dilated })) > 0;
  const options = [
    { ...wanted, dilation },
    { ...wanted, dilation: [1, 1] as const },
    { ...CONVOLUTIONS[0]!, dilation: [1, 1] as const },
  ].find((one) => fits(one, one.dilation))!;
  const { kernel, ...places } = options;
  const plane = batch * extentsOf(shape, kernel, places).reduce((a, b) => a * b);
  const taps = (inChannels / groups) * kernel[0] * kernel[1];
  const fitting = Math.min(MOST_VALUES / plane, MOST_PRODUCTS / (plane * taps), (2 * MOST_VALUES) / taps);
  const most = Math.max(1, Math.floor(fitting / groups)) * groups;
  const known = site.parameters(
    ([out, ...rest]) => same(rest, [inChannels / groups, ...kernel]) && out! <= most && out! % groups === 0,
  );
  const reused = token.flags & REUSED ? pick(known, token.with)?.name : undefined;
  const channels = Math.min(most, Math.ceil(CHANNELS[token.size % CHANNELS.length]! / groups) * groups);
  const weightShape = [channels, inChannels / groups, ...kernel];
  let weight = reused ?? site.leaf('w', weightShape, spread(Math.sqrt(3 / taps)), !(token.flags & FROZEN));
  // Weights may be computed, or used without their gradient.
  if (token.with % 8 === 6) weight = site.call('relu', { x: weight });
  if (token.with % 8 === 7) weight = site.call('detach', { input: weight }, { shape: site.shape(weight) });
  return { weight, options: { ...places, groups } };
}

function convolvedShape({ input, weight }: { input: Shape; weight: Shape }, options: Convolution): Shape {
  const [outChannels, , height, width] = weight as [number, number, number, number];
  return [input[0]!, outChannels, ...extentsOf(input, [height, width], options)];
}

const conv2d = row<Convolution>({
  weight: 14,
  draw: (site, token) => {
    const input = site.take(token, images);
    if (input === undefined) return undefined;
    const { weight, options } = convolution(site, token, site.shape(input));
    const biased = (token.flags & BIASED) > 0;
    const bias = biased ? site.leaf('w', [site.shape(weight)[0]!], spread(0.5), !(token.size & 1)) : undefined;
    return { inputs: { input, weight, bias }, options };
  },
  shape: ({ input, weight }, options) => convolvedShape({ input: input!, weight: weight! }, options),
  run: ({ input, weight, bias }, options) => engine.conv2d(input!, weight!, bias, optionsOf(options)),
  gradients: { input: ['weight'], weight: ['input'], bias: [] },
});

/** Parameters and options of a batch norm for images of this shape. */
function norm(site: Site, token: Token, shape: Shape) {
  const { flags, option } = token;
  const [batch, channels, height, width] = shape as [number, number, number, number];
  // With two values per channel the normalised values are ±1, and only rounding depends on the input.
  const training = (flags & TRAINING) > 0 && batch * height * width > 2;
  const known = flags & REUSED ? pick(site.norms(channels), token.with) : undefined;
  const residual = flags & RESIDUAL ? site.takeOther(token, sameAs(shape)) : undefined;
  const learns = !(flags & FROZEN);
  const inputs = known ?? {
    weight: site.leaf('w', [channels], between(0.5, 1.5), learns),
    bias: site.leaf('w', [channels], spread(0.5), learns),
    runningMean: site.leaf('s', [channels], spread(0.5)),
    runningVar: site.leaf('s', [channels], between(0.5, 1.5)),
  };
  const options = { training, relu: (flags & RELU) > 0, eps: EPSILONS[option % 3]!, momentum: MOMENTA[option % 4]! };
  return { inputs: { ...inputs, residual } satisfies Call['inputs'], options };
}

const moves = ({ training }: Norm) => (training ? ['runningMean', 'runningVar'] : []);

function normTensors({ weight, bias, runningMean, runningVar }: Tensors) {
  return { weight: weight!, bias: bias!, runningMean: runningMean!, runningVar: runningVar! };
}

/** It always saves something, and its weight. */
const normGradients = { weight: ['weight', 'own'], bias: ['weight', 'own'], residual: ['weight', 'own'] };

const batchNorm2d = row<Norm>({
  weight: 10,
  draw: (site, token) => {
    const input = site.take(token, images);
    return input === undefined ? undefined : withInput(input, norm(site, token, site.shape(input)));
  },
  shape: ({ input }) => input!,
  run: (tensors, { training, relu, eps, momentum }) => {
    const { weight, bias, runningMean, runningVar } = normTensors(tensors);
    const options = { training, relu, eps, momentum, residual: tensors.residual };
    return engine.batchNorm2d(tensors.input!, weight, bias, runningMean, runningVar, options);
  },
  gradients: { ...normGradients, input: ['weight', 'own'] },
  reads: ['input', 'weight', 'bias', 'residual'],
  moves,
  heat: ({ residual = 0 }) => Math.max(0.2, residual),
});

const withInput = (input: string, { inputs, options }: ReturnType<typeof norm>): Call => ({
  inputs: { input, ...inputs },
  options,
});

const conv2dBatchNorm2d = row<Norm & Convolution>({
  weight: 6,
  draw: (site, token) => {
    const input = site.take(token, images);
    if (input === undefined) return undefined;
    const { weight: kernel, options } = convolution(site, token, site.shape(input));
    const shape = convolvedShape({ input: site.shape(input), weight: site.shape(kernel) }, options);
    const after = norm(site, token, shape);
    return { inputs: { input, kernel, ...after.inputs }, options: { ...options, ...after.options } };
  },
  shape: ({ input, kernel }, options) => convolvedShape({ input: input!, weight: kernel! }, options),
  run: (tensors, options) => {
    const { training, relu, eps, momentum } = options;
    const settings = { training, relu, eps, momentum, residual: tensors.residual, ...optionsOf(options) };
    return fused(tensors.input!, tensors.kernel!, normTensors(tensors), settings);
  },
  gradients: { ...normGradients, input: ['weight', 'kernel', 'own'], kernel: ['weight', 'input', 'own'] },
  reads: ['input', 'kernel', 'weight', 'bias', 'residual'],
  moves,
  heat: ({ residual = 0 }) => Math.max(0.2, residual),
});

type Pool = Places & { readonly kernelSize: Extents; readonly ceilMode: boolean };

function pooledShape(input: Shape, { kernelSize, ceilMode, ...places }: Pool): Shape {
  const { stride, padding, dilation } = places;
  const floor = extentsOf(input, kernelSize, places);
  if (!ceilMode) return [input[0]!, input[1]!, ...floor];
  const up = floor.map((_, axis) => {
    const padded = input[2 + axis]! + 2 * padding[axis]!;
    const last = Math.ceil((padded - dilation[axis]! * (kernelSize[axis]! - 1) - 1) / stride[axis]!);
    // The last window must begin before the padding behind the image.
    return (last * stride[axis]! >= padded - padding[axis]! ? last - 1 : last) + 1;
  });
  return [input[0]!, input[1]!, ...up];
}

/** The options of a pool that fits the images; undefined if none does. */
function poolOf({ option }: Token, shape: Shape, dilations: readonly Extents[]): Pool | undefined {
  const choose = chooser(option);
  const { kernel, stride, padding } = choose(POOLS);
  const ceilMode = choose([false, true]);
  const dilation = choose(dilations);
  // Wider windows could lie in the padding alone, and have no maximum.
  const small = shape[2]! < dilation[0] || shape[3]! < dilation[1];
  const pool = { kernelSize: kernel, stride, padding, ceilMode, dilation: small ? ([1, 1] as const) : dilation };
  // Windows of the floor fit, so those of the ceiling do.
  return Math.min(...extentsOf(shape, kernel, pool)) < 1 ? undefined : pool;
}

function pooling<O extends Pool>(
  more: (pool: Pool, token: Token) => O,
  dilations: readonly Extents[],
  settings: Pick<Row<O>, 'weight' | 'run' | 'gradients'>,
): Row {
  return row<O>({
    draw: (site, token) => {
      const input = site.take(token, images);
      const pool = input === undefined ? undefined : poolOf(token, site.shape(input), dilations);
      return pool && { inputs: { input }, options: more(pool, token) };
    },
    shape: ({ input }, options) => pooledShape(input!, options),
    ...settings,
  });
}

const maxPool2d = pooling((pool) => pool, DILATIONS, {
  weight: 6,
  run: ({ input }, options) => {
    const { kernelSize, ceilMode } = options;
    return engine.maxPool2d(input!, { kernelSize: pairOf(kernelSize), ceilMode, ...placesOf(options) });
  },
  gradients: { input: ['own'] },
});

type Averaging = Pool & { readonly countIncludePad: boolean; readonly divisorOverride: number | null };

const avgPool2d = pooling<Averaging>(
  (pool, { size }) => ({ ...pool, countIncludePad: size % 2 === 0, divisorOverride: size % 5 === 4 ? 3 : null }),
  [[1, 1]],
  {
    weight: 4,
    run: ({ input }, options) => {
      const { kernelSize, ceilMode, countIncludePad, divisorOverride } = options;
      const { stride, padding } = placesOf(options);
      return engine.avgPool2d(input!, {
        ...{ kernelSize: pairOf(kernelSize), stride, padding, ceilMode, countIncludePad },
        ...(divisorOverride !== null && { divisorOverride }),
      });
    },
    gradients: { input: [] },
  },
);

/** A row that averages images to a size of its own. */
function averaging(weight: number, sizes: readonly Extents[], run: (input: Tensor, size: Extents) => Tensor): Row {
  return row<{ outputSize: Extents }>({
    weight,
    draw: (site, token) => {
      const input = site.take(token, images);
      if (input === undefined) return undefined;
      const outputSize = chooser(token.option)(sizes);
      const [batch, channels] = site.shape(input);
      if (sizeOf([batch!, channels!, ...outputSize]) > MOST_VALUES) return undefined;
      return { inputs: { input }, options: { outputSize } };
    },
    shape: ({ input }, { outputSize }) => [input![0]!, input![1]!, ...outputSize],
    run: ({ input }, { outputSize }) => run(input!, outputSize),
    gradients: { input: [] },
  });
}

// prettier-ignore
const SIZES: readonly Extents[] = [
  [2, 2],
  [1, 1],
  [3, 2],
  [1, 4],
  [5, 5],
];

export const IMAGES: Readonly<Record<string, Row>> = {
  ...{ conv2d, batchNorm2d, conv2dBatchNorm2d, maxPool2d, avgPool2d },
  adaptiveAvgPool2d: averaging(4, SIZES, (input, size) => engine.adaptiveAvgPool2d(input, pairOf(size))),
  globalAvgPool2d: averaging(3, [[1, 1]], (input) => engine.globalAvgPool2d(input)),
};

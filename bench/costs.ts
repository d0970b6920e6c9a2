/**
 * What a dispatch must do at least: floating-point operations (multiply and add counted apart) where arithmetic bounds it,
 * bytes read and written where memory does. "Must" means that each input is read once and each output written once, however
 * often the kernel reads it: so a kernel that makes two passes shows half the rate, and gains by making one.
 */
import type { Dispatch } from '../src/gpu/gpu.ts';
import { convolvedExtent } from '../src/kernels/conv2d/shape.ts';
import { kernels } from '../src/kernels/kernel.ts';

export const KINDS = [
  'conv forward',
  'conv input grad',
  'conv weight grad',
  'weight packing',
  'batch norm',
  'relu',
  'add, fill',
  'pooling',
  'linear',
  'loss',
  'sgd',
  'other',
] as const;
export type Kind = (typeof KINDS)[number];

export interface Cost {
  readonly kind: Kind;
  /** Extents, as people write them. Dispatches of one kernel and one shape are one row of the table. */
  readonly shape: string;
  readonly flops?: number;
  readonly bytes?: number;
  /**
   * Dispatches of the same shape that directly follow one another are parts of one piece of work: the phases of a strided
   * input gradient, the transforms and products of a convolution by Winograd.
   */
  readonly joins?: boolean;
  /** Name of the piece, where its parts are different kernels. */
  readonly name?: string;
}

type Uniforms = Readonly<Record<string, number>>;
type Rule = (u: Uniforms, label: string) => Cost;

/** Bytes of f32 and u32. */
const WORD = 4;
const words = (count: number) => count * WORD;
/** Of f16. */
const HALF_WORD = 2;

/** The kernels of weight gradients have labels that say the whole shape; all three passes take the same operations. */
const weightGrad: Rule = (u, label) => {
  const taps = /, (\d+)x(\d+) \//.exec(label)!;
  const outputs = u.batch! * u.outChannels! * u.outHeight! * u.outWidth!;
  const flops = 2 * outputs * u.inChannels! * Number(taps[1]) * Number(taps[2]);
  return { kind: 'conv weight grad', shape: label, flops };
};

/** The same where rows are filled up to whole texels: the uniform counts what is filled up, the label does not. */
const texelsWeightGrad: Rule = (u, label) => {
  const [inWidth, taps, stride, padding] = /x(\d+) -> \d+, \d+x(\d+) \/(?:\d+x)?(\d+) \+(?:\d+x)?(\d+)$/
    .exec(label)!
    .slice(1)
    .map(Number) as [number, number, number, number];
  return weightGrad({ ...u, outWidth: convolvedExtent(inWidth, taps, stride, padding) }, label);
};

/** `wholes` tensors of the input's shape, of `width` bytes a number, and `vectors` numbers per channel. */
const batchNorm =
  (wholes: number, vectors: number, width = WORD): Rule =>
  (u, label) => {
    // Not the uniform: that may count in fours.
    const plane = Number(label.split('x').at(-1));
    return {
      kind: 'batch norm',
      shape: label,
      bytes: width * wholes * u.batch! * u.channels! * plane + words(vectors * u.channels!),
    };
  };

const elementwise =
  (kind: Kind, touched: number): Rule =>
  // The label is their number; the uniform may count in fours.
  (_, label) => ({ kind, shape: label, bytes: words(touched * Number(label)) });

/** `outputs`: tensors of the output's shape that are touched beside the input's one. */
const maxPool =
  (outputs: number, width = WORD): Rule =>
  (u, label) => ({
    kind: 'pooling',
    shape: label,
    bytes: width * u.planes! * (u.height! * u.width! + outputs * u.outHeight! * u.outWidth!),
  });

const avgPool =
  (width = WORD): Rule =>
  (u) => ({
    kind: 'pooling',
    shape: `${u.planes}x${u.plane}`,
    bytes: width * u.planes! * (u.plane! + 1),
  });

const channelBias =
  (width = WORD): Rule =>
  (u) => ({
    kind: 'other',
    shape: `${u.planes}x${u.planeSize}`,
    bytes: width * 2 * u.planes! * u.planeSize! + words(u.channels!),
  });

const linear: Rule = (u, label) => ({
  kind: 'linear',
  shape: label,
  flops: 2 * u.rows! * u.inFeatures! * u.outFeatures!,
});

/** In tiles: which of the passes it is, the label tells. */
const linearProduct: Rule = (u, label) => ({
  kind: 'linear',
  shape: label,
  flops: 2 * u.rows! * u.columns! * u.depths!,
});

/** Label of a convolution as kernels/conv2d-shape.ts describes it. */
const LABEL =
  /^(forward|inputGrad|weightGrad) (\d+)x(\d+)x(\d+)x(\d+) -> (\d+), (\d+)x(\d+) \/(\d+)(?:x(\d+))? \+(\d+)(?:x(\d+))?/;
const PASSES = { forward: 'conv forward', inputGrad: 'conv input grad', weightGrad: 'conv weight grad' } as const;

/** One of the kernels that make up a convolution by Winograd. */
const winograd: Rule = (_, label) => ({
  kind: PASSES[(LABEL.exec(label)?.[1] ?? 'forward') as keyof typeof PASSES],
  shape: label,
  joins: true,
  name: 'winograd',
});

/** The products, to which all of a convolution's operations are put down. */
const winogradProduct: Rule = (u, label) => ({ ...winograd(u, label), flops: directFlops(label) });

/** What the convolution takes directly, so that variants can be compared: by Winograd less is multiplied. */
function directFlops(label: string): number {
  const [batch, channels, height, width, out, rows, columns, down, right, above, left] = LABEL.exec(label)!
    .slice(2)
    .map((number) => (number === undefined ? undefined : Number(number))) as number[];
  const outHeight = convolvedExtent(height!, rows!, down!, above!);
  const outWidth = convolvedExtent(width!, columns!, right ?? down!, left ?? above!);
  return 2 * batch! * out! * outHeight * outWidth * channels! * rows! * columns!;
}

/** Forward and input gradients are jobs of the same kernels. `termsOf`: of the sum that each result is. */
const convJob =
  (name: string, termsOf: (u: Uniforms) => number): Rule =>
  (u, label) => {
    const results = u.batch! * u.resultChannels! * u.gridHeight! * u.gridWidth!;
    const ofInput = label.startsWith('inputGrad');
    return {
      kind: ofInput ? 'conv input grad' : 'conv forward',
      shape: label,
      flops: 2 * results * termsOf(u),
      joins: ofInput,
      // Also where it normalises what it writes.
      name,
    };
  };
const rowsConv = convJob('conv2d_rows', (u) => u.channels! * u.tapRows! * u.tapColumns!);
const tiledConv = convJob('conv2d_tiled', (u) => u.depths!);
const tiledConvHalf = convJob('conv2d_tiled_half', (u) => u.depths!);

/** The second half of a convolution or product whose sums were cut into slices. */
const sumSlices: Rule = (u, label) => ({
  kind: PASSES[label.split(' ')[0] as keyof typeof PASSES] ?? 'linear',
  shape: `${u.slices} x ${u.count}`,
  bytes: words((u.slices! + 1) * u.count!),
  name: 'sum_slices',
});

const RULES: Readonly<Record<string, Rule>> = {
  conv2d_rows: rowsConv,
  conv2d_rows_normalised: rowsConv,
  conv2d_rows_weight_grad: weightGrad,
  conv2d_texels_weight_grad: texelsWeightGrad,
  texels: (u, label) => ({
    kind: 'conv weight grad',
    shape: label,
    bytes: words(u.rows! * u.width! + 4 * u.rows! * u.texels!),
  }),
  winograd_weight: winograd,
  winograd_input: winograd,
  winograd_product: winogradProduct,
  winograd_product_texels: winogradProduct,
  winograd_grad_product: winogradProduct,
  winograd_grad_product_texels: winogradProduct,
  winograd_output: winograd,
  winograd_output_normalised: winograd,
  winograd_output_grad: winograd,
  winograd_weight_grad: winograd,
  winograd_stem_weight: winograd,
  winograd_stem: winogradProduct,
  winograd_stem_normalised: winogradProduct,
  conv2d_tiled: tiledConv,
  conv2d_tiled_normalised: tiledConv,
  conv2d_tiled_half: tiledConvHalf,
  conv2d_tiled_half_normalised: tiledConvHalf,
  conv2d_tiled_weight_grad: weightGrad,
  conv2d_turn: (u) => {
    const count = u.inChannels! * u.outChannels! * u.tapRows! * u.tapColumns!;
    return {
      kind: 'weight packing',
      shape: `turned ${u.outChannels} -> ${u.inChannels}, ${u.tapRows}x${u.tapColumns}`,
      bytes: words(2 * count),
    };
  },
  conv2d_pack: (u) => {
    const taps = u.tapRows! * u.tapColumns!;
    return {
      kind: 'weight packing',
      // Forward, the channels that are summed over lie next to each other; for the input gradient those of the result do.
      shape: `${u.channelStride! < u.resultStride! ? 'forward' : 'inputGrad'} ${u.channels} -> ${u.resultChannels}, ${u.tapRows}x${u.tapColumns}`,
      bytes: words(u.channels! * taps * (u.resultChannels! + u.packedChannels!)),
    };
  },
  sum_slices: sumSlices,
  sum_slices_normalised: sumSlices,
  sum_slices_half: sumSlices,
  sum_slices_half_normalised: sumSlices,
  channel_bias: channelBias(),
  channel_bias_half: channelBias(HALF_WORD),
  channel_bias_grad: (u) => ({
    kind: 'other',
    shape: `${u.batch}x${u.channels}x${u.planeSize}`,
    bytes: words(u.batch! * u.channels! * u.planeSize! + u.channels!),
  }),
  // Writes mean, 1 / deviation and the rounding error of the mean; reads and writes both running statistics.
  batch_norm_statistics: batchNorm(1, 7),
  batch_norm_running: (u) => ({ kind: 'batch norm', shape: `${u.channels}`, bytes: words(5 * u.channels!) }),
  batch_norm_table: (u) => ({ kind: 'batch norm', shape: `${u.channels}`, bytes: words(8 * u.channels!) }),
  batch_norm_forward: batchNorm(2, 5),
  batch_norm_forward_residual: batchNorm(3, 5),
  batch_norm_forward_half: batchNorm(2, 5, HALF_WORD),
  batch_norm_forward_residual_half: batchNorm(3, 5, HALF_WORD),
  batch_norm_backward_sums: batchNorm(2, 5),
  batch_norm_backward_sums_relu: batchNorm(2, 7),
  batch_norm_backward_sums_residual: batchNorm(4, 5),
  batch_norm_backward_input: batchNorm(3, 6),
  batch_norm_backward_input_relu: batchNorm(3, 7),
  batch_norm_backward_input_eval: batchNorm(2, 2),
  relu_forward: elementwise('relu', 2),
  relu_backward: elementwise('relu', 3),
  add: elementwise('add, fill', 3),
  accumulate: elementwise('add, fill', 3),
  fill: elementwise('add, fill', 1),
  convert: (_, label) => ({ kind: 'other', shape: label, bytes: (WORD + HALF_WORD) * Number(label) }),
  max_pool_forward: maxPool(1),
  max_pool_forward_half: maxPool(1, HALF_WORD),
  max_pool_forward_argmax: maxPool(2),
  max_pool_backward: maxPool(2),
  avg_pool_forward: avgPool(),
  avg_pool_forward_half: avgPool(HALF_WORD),
  avg_pool_backward: avgPool(),
  linear_tiled: linearProduct,
  linear_tiled_bias: linearProduct,
  linear_forward: linear,
  linear_forward_bias: linear,
  linear_forward_half: linear,
  linear_forward_bias_half: linear,
  linear_backward_input: linear,
  linear_backward_weight: linear,
  linear_backward_bias: (u) => ({
    kind: 'linear',
    shape: `${u.rows}x${u.outFeatures}`,
    bytes: words((u.rows! + 1) * u.outFeatures!),
  }),
  // Per row: the logits, the label, the loss, maximum and log-sum.
  cross_entropy_rows: (u) => ({
    kind: 'loss',
    shape: `${u.rows}x${u.classes}`,
    bytes: words(u.rows! * (u.classes! + 4)),
  }),
  cross_entropy_mean: (u) => ({ kind: 'loss', shape: `${u.rows}`, bytes: words(u.rows! + 1) }),
  cross_entropy_backward: (u) => ({
    kind: 'loss',
    shape: `${u.rows}x${u.classes}`,
    bytes: words(u.rows! * (2 * u.classes! + 3) + 1),
  }),
  // Parameter and momentum buffer are read and written, the gradient read. (In a parameter's first step the buffer is only
  // written; that step is not timed.)
  sgd_momentum: elementwise('sgd', 5),
  sgd_plain: elementwise('sgd', 3),
  correct_rows: (u) => ({
    kind: 'other',
    shape: `${u.rows}x${u.classes}`,
    bytes: words(u.rows! * (u.classes! + 2)),
  }),
  correct_sum: (u) => ({ kind: 'other', shape: `${u.rows}`, bytes: words(u.rows! + 1) }),
};

/** Names of the kernels whose cost is known. */
export const COSTED_KERNELS: readonly string[] = Object.keys(RULES);

/** Cost of a dispatch. Of a kernel that is not known here nothing but its label. */
export function costOf({ program, uniforms, label = '' }: Dispatch): Cost {
  const rule = RULES[program.name];
  if (!rule) return { kind: 'other', shape: label };
  return rule(unpackUniforms(program.name, uniforms), label);
}

/** The inverse of kernels/kernel.ts `packUniforms`. */
function unpackUniforms(name: string, bytes: Uint8Array | undefined): Uniforms {
  const kernel = kernels.find((one) => one.name === name);
  if (!kernel || !bytes) return {};
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = { f32: view.getFloat32, i32: view.getInt32, u32: view.getUint32 } as const;
  return Object.fromEntries(
    Object.entries(kernel.uniforms).map(([field, type], i) => [field, read[type].call(view, i * WORD, true)]),
  );
}

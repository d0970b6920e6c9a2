/**
 * The minimum work of a dispatch: floating-point operations (a multiply-add counts as two) if arithmetic bounds it,
 * else bytes. Each input counts as read once and each output as written once, however often the kernel accesses them.
 * So a kernel that makes two passes shows half the rate.
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
  /** Extents as text. Dispatches of one kernel and one shape form one row of the table. */
  readonly shape: string;
  readonly flops?: number;
  readonly bytes?: number;
  /**
   * Consecutive dispatches of the same shape are parts of one piece of work: the phases of a strided input gradient, or
   * the transforms and products of a convolution by Winograd.
   */
  readonly joins?: boolean;
  /** Name of the piece if its parts are different kernels. */
  readonly name?: string;
}

type Uniforms = Readonly<Record<string, number>>;
type Rule = (u: Uniforms, label: string) => Cost;

/** Bytes of f32 and u32. */
const WORD = 4;
const words = (count: number) => count * WORD;
/** Bytes of f16. */
const HALF_WORD = 2;

/** `wholes` tensors of the input's shape, with `width` bytes per value, and `vectors` values per channel. */
const batchNorm =
  (wholes: number, vectors: number, width = WORD): Rule =>
  (u, label) => {
    // The uniform may count groups of four.
    const plane = Number(label.split('x').at(-1));
    return {
      kind: 'batch norm',
      shape: label,
      bytes: width * wholes * u.batch! * u.channels! * plane + words(vectors * u.channels!),
    };
  };

const elementwise =
  (kind: Kind, touched: number): Rule =>
  // The label is the number of values; the uniform may count groups of four.
  (_, label) => ({ kind, shape: label, bytes: words(touched * Number(label)) });

/** `outputs`: accessed tensors of the output's shape, besides one of the input's shape. */
const maxPool =
  (outputs: number, width = WORD): Rule =>
  (u, label) => ({
    kind: 'pooling',
    shape: label,
    bytes: width * u.planes! * (u.height! * u.width! + outputs * u.outHeight! * u.outWidth!),
  });

const avgPool =
  (width = WORD): Rule =>
  (u) => ({ kind: 'pooling', shape: `${u.planes}x${u.plane}`, bytes: width * u.planes! * (u.plane! + 1) });

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

/** A product, or a part of one; the label names it. Batches are not among the uniforms. */
const product: Rule = (u, label) => ({
  kind: 'linear',
  shape: label,
  flops: 2 * u.rows! * u.columns! * u.depths! * Number(/ (\d+) of /.exec(label)?.[1] ?? 1),
});

/** The label of a convolution: a pass and `describeConv2d`. */
const LABEL =
  /^(forward|inputGrad|weightGrad) (\d+)x(\d+)x(\d+)x(\d+) -> (\d+), (\d+)x(\d+) \/(\d+)(?:x(\d+))? \+(\d+)(?:x(\d+))?/;
const PASSES = { forward: 'conv forward', inputGrad: 'conv input grad', weightGrad: 'conv weight grad' } as const;

/** Operations of a direct convolution, by which all variants are compared; Winograd multiplies less. */
function directFlops(label: string): number {
  const [batch, channels, height, width, out, rows, columns, down, right, above, left] = LABEL.exec(label)!
    .slice(2)
    .map((text) => (text === undefined ? undefined : Number(text))) as number[];
  const outHeight = convolvedExtent(height!, rows!, down!, above!);
  const outWidth = convolvedExtent(width!, columns!, right ?? down!, left ?? above!);
  return 2 * batch! * out! * outHeight * outWidth * channels! * rows! * columns!;
}

const weightGrad: Rule = (_, label) => ({ kind: 'conv weight grad', shape: label, flops: directFlops(label) });

/** A kernel of a convolution by Winograd. */
const winograd: Rule = (_, label) => ({
  kind: PASSES[(LABEL.exec(label)?.[1] ?? 'forward') as keyof typeof PASSES],
  shape: label,
  joins: true,
  name: 'winograd',
});

/** The products, which account for all operations of the convolution. */
const winogradProduct: Rule = (u, label) => ({ ...winograd(u, label), flops: directFlops(label) });

/** The same kernels compute forward and input gradients. `termsOf` returns the products per result. */
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
      // The variants that normalise their output share the name.
      name,
    };
  };
const rowsConv = convJob('conv2d_rows', (u) => u.channels! * u.tapRows! * u.tapColumns!);
const tiledConv = convJob('conv2d_tiled', (u) => u.depths!);
const tiledConvHalf = convJob('conv2d_tiled_half', (u) => u.depths!);

/** The second part of a convolution or product whose sums were cut into slices. */
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
  conv2d_texels_weight_grad: weightGrad,
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
  conv2d_turn: (u) => ({
    kind: 'weight packing',
    shape: `rotated ${u.outChannels} -> ${u.inChannels}, ${u.tapRows}x${u.tapColumns}`,
    bytes: words(2 * u.inChannels! * u.outChannels! * u.tapRows! * u.tapColumns!),
  }),
  conv2d_pack: (u) => {
    const taps = u.tapRows! * u.tapColumns!;
    return {
      kind: 'weight packing',
      // In the forward pass the summed channels are adjacent; for the input gradient the result's channels are.
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
  // Writes mean, 1 / deviation and the mean's rounding error; reads and writes both running statistics.
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
  relu: elementwise('relu', 2),
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
  matmul_dots: product,
  matmul_tiled: product,
  matmul_rows: product,
  matmul_rows_texels: product,
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
  // Per row: the logits, the label, the loss, the maximum and the log-sum.
  cross_entropy_rows: (u) => ({
    kind: 'loss',
    shape: `${u.rows}x${u.classes}`,
    bytes: words(u.rows! * (u.classes! + 4)),
  }),
  loss_sum: (u) => ({ kind: 'loss', shape: `${u.count}`, bytes: words(u.count! + 1) }),
  cross_entropy_backward: (u) => ({
    kind: 'loss',
    shape: `${u.rows}x${u.classes}`,
    bytes: words(u.rows! * (2 * u.classes! + 3) + 1),
  }),
  // Reads and writes the parameter and the momentum buffer, and reads the gradient. The first step, which is not timed,
  // only writes the buffer.
  sgd_momentum: elementwise('sgd', 5),
  sgd_plain: elementwise('sgd', 3),
  // Reads and writes the parameter and both averages, and reads the gradient.
  adam: elementwise('other', 7),
  grad_norm_squares: elementwise('other', 1),
  grad_norm_total: (u) => ({ kind: 'other', shape: `${u.count}`, bytes: words(u.count! + 2) }),
  grad_scale: elementwise('other', 2),
  correct_rows: (u) => ({ kind: 'other', shape: `${u.rows}x${u.classes}`, bytes: words(u.rows! * (u.classes! + 2)) }),
  correct_sum: (u) => ({ kind: 'other', shape: `${u.rows}`, bytes: words(u.rows! + 1) }),
};

/** Cost of a dispatch. An unknown kernel gets only its label. */
export function costOf({ program, uniforms, label = '' }: Dispatch): Cost {
  const rule = RULES[program.name];
  if (!rule) return { kind: 'other', shape: label };
  return rule(unpackUniforms(program.name, uniforms), label);
}

/** The inverse of `packUniforms` in kernels/kernel.ts. */
function unpackUniforms(name: string, bytes: Uint8Array | undefined): Uniforms {
  const kernel = kernels.find((one) => one.name === name);
  if (!kernel || !bytes) return {};
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = { f32: view.getFloat32, i32: view.getInt32, u32: view.getUint32 } as const;
  return Object.fromEntries(
    Object.entries(kernel.uniforms).map(([field, type], i) => [field, read[type].call(view, i * WORD, true)]),
  );
}

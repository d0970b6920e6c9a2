/**
 * The shipped table: which variant computes a convolution on an adapter that nobody has tuned on. By class of adapter, as
 * functions of pass and shape, so that it knows shapes that were never measured.
 */
import type { AdapterTraits } from '../gpu/gpu.ts';
import { type AdapterClass, adapterClass } from './adapter-class.ts';
import { type Conv2dPass, type Conv2dVariant, canConv2d } from './conv2d-candidates.ts';
import { type Conv2dShape, conv2dFlops } from './conv2d-shape.ts';
import { winogradCost } from './winograd-shape.ts';
import { winogradStemFits, winogradStemPays } from './winograd-stem.ts';

/** What is wanted; another takes its place where the variant cannot compute the shape. */
type Entry = (pass: Conv2dPass, shape: Conv2dShape) => Conv2dVariant;

/** Measured on lavapipe: where every load costs per invocation, register tiles win, and Winograd where it saves enough. */
const forProcessors: Entry = (pass, shape) => (winogradPays(pass, shape) ? 'winograd' : 'rows');
const forGpus: Entry = () => 'tiled';

/** No other processor than lavapipe was measured yet, and no GPU: these are what the kernels were written for. */
const TABLE: Readonly<Record<AdapterClass, Entry>> = {
  lavapipe: forProcessors,
  swiftshader: forProcessors,
  software: forProcessors,
  discrete: forGpus,
  integrated: forGpus,
};

/** The table's choice. An adapter of no known class gets what one of its kind would. */
export function tabledConv2d(pass: Conv2dPass, shape: Conv2dShape, traits: AdapterTraits): Conv2dVariant {
  const entry = TABLE[adapterClass(traits) ?? (traits.kind === 'cpu' ? 'software' : 'discrete')];
  return possibleConv2d(entry(pass, shape), pass, shape, traits);
}

/** What takes the place of a variant that cannot compute a shape: the first of these that can. The last one always can. */
const FALLBACKS: readonly Conv2dVariant[] = ['rows', 'tiled', 'reference'];

/** The wanted variant where it can compute the shape on this adapter, else one that can. */
export function possibleConv2d(
  wanted: Conv2dVariant,
  pass: Conv2dPass,
  shape: Conv2dShape,
  traits: AdapterTraits,
): Conv2dVariant {
  return [wanted, ...FALLBACKS].find((variant) => canConv2d(variant, pass, shape, traits)) ?? 'reference';
}

/** What a multiply-add costs the direct kernels, relative to one of Winograd's products. */
const DIRECT: Readonly<Record<Conv2dPass, number>> = { forward: 1, inputGrad: 1, weightGrad: 0.7 };

/** Whether the multiplications that Winograd's convolution saves are worth its transforms, by a tenth at least. */
function winogradPays(pass: Conv2dPass, shape: Conv2dShape): boolean {
  if (winogradStemFits(shape)) return winogradStemPays(shape);
  return winogradCost(pass, shape) < 0.9 * DIRECT[pass] * (conv2dFlops(shape) / 2);
}

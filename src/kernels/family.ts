/** What a kernel works for: its family, and for a convolution the pass. */
import { kernels } from './kernel.ts';

/** Passes of a convolution, as the labels of its dispatches begin. */
export const CONV_PASSES = ['forward', 'inputGrad', 'weightGrad'] as const;
export type ConvPass = (typeof CONV_PASSES)[number];

/** A part of the work of a step. */
export interface KernelPart {
  /** The folder of the kernel's shader: `conv2d`, `batch-norm`; `elementwise` for a generated kernel. */
  readonly family: string;
  /** Of a convolution whose kernel belongs to one pass. */
  readonly pass: ConvPass | null;
}

/**
 * @param kernel name of a kernel
 * @param label of the dispatch: kernels that several families share have the label of what they work for
 */
export function kernelPart(kernel: string, label: string): KernelPart {
  const [first = ''] = label.split(' ');
  const pass = CONV_PASSES.find((one) => one === first);
  if (pass) return { family: 'conv2d', pass };
  const shader = kernels.find(({ name }) => name === kernel)?.shader;
  if (shader === undefined) return { family: 'elementwise', pass: null };
  const folder = shader.split('/');
  // What lies in no folder cuts and joins the work of products, unless a convolution's label said otherwise.
  return { family: folder.length > 1 ? folder[0]! : 'matmul', pass: null };
}

/**
 * Forces kernels on the devices of a test file: every device that `withGpu` and the like open gets a chooser from here.
 */
import { Chooser } from '../../src/kernels/chooser.ts';
import type { Conv2dVariant } from '../../src/kernels/conv2d/choose.ts';
import type { LinearVariant } from '../../src/kernels/linear/choose.ts';
import type { MatmulVariant } from '../../src/kernels/matmul/choose.ts';

/** The variants forced now. Each test file runs in its own process. */
const forced: {
  conv2d?: Conv2dVariant | undefined;
  linear?: LinearVariant | undefined;
  matmul?: MatmulVariant | undefined;
} = {};

/** Makes a chooser for a device of this file. */
export const testChooser = () => new Chooser({ forced });

/** Forces this variant on every convolution that it can compute. `undefined` ends the forcing. */
export function forceConv2dVariant(variant: Conv2dVariant | undefined): void {
  forced.conv2d = variant;
}

/** Does the same for the products of fully connected layers. */
export function forceLinearVariant(variant: LinearVariant | undefined): void {
  forced.linear = variant;
}

/** Does the same for the products of `matmul`. */
export function forceMatmulVariant(variant: MatmulVariant | undefined): void {
  forced.matmul = variant;
}

/** Forcing kernels on the devices of a test file: `withGpu` and its neighbours hand each of them a chooser that goes by this. */
import { Chooser } from '../../src/kernels/chooser.ts';
import type { Conv2dVariant } from '../../src/kernels/conv2d/choose.ts';
import type { LinearVariant } from '../../src/kernels/linear/choose.ts';

/** What is forced at the moment; each file of tests has its own process. */
const forced: { conv2d?: Conv2dVariant | undefined; linear?: LinearVariant | undefined } = {};

/** A chooser for a device of this file. */
export const testChooser = () => new Chooser({ forced });

/** Makes every convolution run as this variant where it can, or as it would again with `undefined`. */
export function forceConv2dVariant(variant: Conv2dVariant | undefined): void {
  forced.conv2d = variant;
}

/** The same of products of fully connected layers. */
export function forceLinearVariant(variant: LinearVariant | undefined): void {
  forced.linear = variant;
}

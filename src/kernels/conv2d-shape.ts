/** Shape of a 2d convolution: everything that its kernels and the choice among them depend on. */

export interface Conv2dShape {
  readonly batch: number;
  readonly inChannels: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly outChannels: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly paddingHeight: number;
  readonly paddingWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/** Outputs along one axis; 0 or less where the kernel does not fit. */
export function convolvedExtent(extent: number, kernel: number, stride: number, padding: number): number {
  return Math.floor((extent + 2 * padding - kernel) / stride) + 1;
}

/** Floating-point operations of one pass (forward, input gradient or weight gradient), multiply and add counted apart. */
export function conv2dFlops(s: Conv2dShape): number {
  return 2 * s.batch * s.outChannels * s.outHeight * s.outWidth * s.inChannels * s.kernelHeight * s.kernelWidth;
}

/** For timings and records: `4x64x56x56 -> 64, 3x3 /1 +1`. */
export function describeConv2d(s: Conv2dShape): string {
  const pair = (a: number, b: number) => (a === b ? `${a}` : `${a}x${b}`);
  return (
    `${s.batch}x${s.inChannels}x${s.inHeight}x${s.inWidth} -> ${s.outChannels}, ${s.kernelHeight}x${s.kernelWidth}` +
    ` /${pair(s.strideHeight, s.strideWidth)} +${pair(s.paddingHeight, s.paddingWidth)}`
  );
}

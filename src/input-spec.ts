/** How the pictures must be that a network takes. A file of its own, as both networks and data state it. */

/** How the weights that torchvision publishes for a network take a picture in evaluation. */
export interface InputSpec {
  /** Length of the shorter side before the centre crop, pixels. */
  readonly resize: number;
  /** Side of the square that the network sees, pixels. */
  readonly crop: number;
  readonly interpolation: 'bilinear' | 'bicubic';
  /** Of each channel (red, green, blue), for values from 0 to 1. */
  readonly mean: readonly [number, number, number];
  /** Standard deviation of each channel. */
  readonly std: readonly [number, number, number];
}

/** The tutorial's, and that of most networks. */
export const IMAGENET_INPUT: InputSpec = {
  resize: 256,
  crop: 224,
  interpolation: 'bilinear',
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

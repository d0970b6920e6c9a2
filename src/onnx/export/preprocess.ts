/** The normalisation of pixels as the first nodes of a graph. */
import type { GraphBuilder, GraphValue } from './builder.ts';

/** What a file that takes pixels does with them. */
export interface Preprocess {
  /** The type of the input: numbers from 0 to 255, as bytes or as floats. */
  readonly type: 'u8' | 'f32';
  /** The mean of each channel, of values from 0 to 1. */
  readonly mean: readonly number[];
  /** The standard deviation of each channel, of values from 0 to 1. */
  readonly std: readonly number[];
}

/** Pixels [batch, channels, height, width] → (pixels / 255 − mean) / std, in torchvision's order of rounding. */
export function preprocess(input: GraphValue, { mean, std }: Preprocess, graph: GraphBuilder): GraphValue {
  const column = (values: readonly number[]) => graph.floats(values, [values.length, 1, 1]);
  const unit = graph.node('Div', [graph.cast(input, 'f32'), graph.floats(255)]);
  return graph.node('Div', [graph.node('Sub', [unit, column(mean)]), column(std)]);
}

/** Convolutions and pools. */
import { type Attributes, type GraphBuilder, type GraphValue, int, ints } from '../builder.ts';
import { fixedShape } from '../dims.ts';
import type { ExportedOp, OpExporter } from '../exported-op.ts';

export const WINDOWS: Readonly<Record<string, OpExporter>> = {
  conv2d: (op, graph) => {
    const [input, weight, bias] = [op.input('input'), op.input('weight'), op.inputs.get('bias')];
    const attributes = {
      kernel_shape: ints(fixedShape(weight.dims).slice(2)),
      strides: ints(op.numbers('stride')),
      pads: ints([...op.numbers('padding'), ...op.numbers('padding')]),
      dilations: ints(op.numbers('dilation')),
      group: int(op.number('groups')),
    };
    return graph.node('Conv', [input, weight, bias], attributes);
  },
  maxPool2d: (op, graph) => {
    const window = windowOf(op);
    const dilations = op.numbers('dilation');
    const attributes = {
      ...sizes(window),
      pads: ints(padsOf(window, extraOf(op, window))),
      dilations: ints(dilations),
    };
    return graph.node('MaxPool', [op.input('input')], attributes);
  },
  avgPool2d,
  globalAvgPool2d: (op, graph) => graph.node('GlobalAveragePool', [op.input('input')]),
  adaptiveAvgPool2d,
};

type Pair = readonly [number, number];

interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
}

const windowOf = (op: ExportedOp): Window => ({
  kernel: op.numbers('kernelSize') as Pair,
  stride: op.numbers('stride') as Pair,
  padding: op.numbers('padding') as Pair,
});

const sizes = ({ kernel, stride }: Window): Attributes => ({ kernel_shape: ints(kernel), strides: ints(stride) });

/** Top, left, bottom, right. */
const padsOf = ({ padding }: Window, extra: Pair) => [...padding, padding[0] + extra[0], padding[1] + extra[1]];

/**
 * How far the last windows reach beyond the padding, which `ceilMode` allows. Said as padding, since ONNX's `ceil_mode`
 * keeps windows that begin in the padding, which torch drops.
 */
function extraOf(op: ExportedOp, { kernel, stride, padding }: Window): Pair {
  const dilation = (op.option('dilation') as Pair | undefined) ?? [1, 1];
  const [input, output] = [op.input('input').dims, op.dims].map((dims) => fixedShape(dims.slice(2))) as [
    number[],
    number[],
  ];
  const along = (axis: 0 | 1) => {
    const reach = (output[axis]! - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1;
    return Math.max(0, reach - input[axis]! - 2 * padding[axis]);
  };
  return [along(0), along(1)];
}

/** A mean counts the padding as zeros, or not at all, and never what lies beyond the padding. */
function avgPool2d(op: ExportedOp, graph: GraphBuilder): GraphValue {
  const window = windowOf(op);
  const extra = extraOf(op, window);
  const divisor = op.number('divisorOverride');
  const attributes = sizes(window);
  if (divisor !== 0) {
    const padded = padZeros(graph, op.input('input'), padsOf(window, extra));
    const mean = graph.node('AveragePool', [padded], attributes);
    return graph.node('Mul', [mean, graph.floats((window.kernel[0] * window.kernel[1]) / divisor)]);
  }
  if (!op.flag('countIncludePad')) {
    return graph.node('AveragePool', [op.input('input')], { ...attributes, pads: ints(padsOf(window, extra)) });
  }
  const padded = padZeros(graph, op.input('input'), padsOf(window, [0, 0]));
  return graph.node('AveragePool', [padded], { ...attributes, pads: ints([0, 0, ...extra]) });
}

/** @param pads top, left, bottom, right */
function padZeros(graph: GraphBuilder, input: GraphValue, pads: readonly number[]): GraphValue {
  if (pads.every((count) => count === 0)) return input;
  const [top, left, bottom, right] = pads as [number, number, number, number];
  return graph.node('Pad', [input, graph.integers([0, 0, top, left, 0, 0, bottom, right])]);
}

/** Windows of one size are an average pool; others two products with matrices of their shares. */
function adaptiveAvgPool2d(op: ExportedOp, graph: GraphBuilder): GraphValue {
  const input = op.input('input');
  const [height, width] = fixedShape(input.dims.slice(2)) as [number, number];
  const [rows, columns] = fixedShape(op.dims.slice(2)) as [number, number];
  if (rows * columns > 0 && height % rows === 0 && width % columns === 0) {
    const kernel = ints([height / rows, width / columns]);
    return graph.node('AveragePool', [input], { kernel_shape: kernel, strides: kernel });
  }
  const across = graph.node('Transpose', [shares(graph, width, columns)], { perm: ints([1, 0]) });
  return graph.node('MatMul', [shares(graph, height, rows), graph.node('MatMul', [input, across])]);
}

/** [to, from]: what each of `from` pixels gives to each of `to` means. */
function shares(graph: GraphBuilder, from: number, to: number): GraphValue {
  const matrix = Array.from({ length: to }, (_, i) => {
    const [start, end] = [Math.floor((i * from) / to), Math.ceil(((i + 1) * from) / to)];
    return Array.from({ length: from }, (_, pixel) => (pixel >= start && pixel < end ? 1 / (end - start) : 0));
  });
  return graph.floats(matrix.flat(), [to, from]);
}

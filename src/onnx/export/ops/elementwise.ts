/** Elementwise ops. ONNX broadcasts as they do; comparisons give bool. */
import { float, type GraphBuilder, type GraphValue } from '../builder.ts';
import type { ExportedOp, OpExporter } from '../exported-op.ts';

/** An op that ONNX has too, of the same operands. */
const same =
  (op: string): OpExporter =>
  ({ inputs }, graph) =>
    graph.node(op, [...inputs.values()]);

const comparison =
  (op: string): OpExporter =>
  ({ inputs }, graph) =>
    graph.node(op, [...inputs.values()], {}, 'bool');

export const ELEMENTWISE: Readonly<Record<string, OpExporter>> = {
  add: same('Add'),
  sub: same('Sub'),
  mul: same('Mul'),
  div: same('Div'),
  maximum: same('Max'),
  minimum: same('Min'),
  pow: same('Pow'),
  neg: same('Neg'),
  abs: same('Abs'),
  exp: same('Exp'),
  log: same('Log'),
  sqrt: same('Sqrt'),
  relu: same('Relu'),
  relu6: (op, graph) => graph.node('Clip', [op.input('x'), graph.floats(0), graph.floats(6)]),
  sigmoid: same('Sigmoid'),
  hardsigmoid: (op, graph) => graph.node('HardSigmoid', [op.input('x')], { alpha: float(1 / 6), beta: float(0.5) }),
  tanh: same('Tanh'),
  erf: same('Erf'),
  silu: (op, graph) => graph.node('Mul', [op.input('x'), graph.node('Sigmoid', [op.input('x')])]),
  hardswish: same('HardSwish'),
  leakyRelu: (op, graph) => graph.node('LeakyRelu', [op.input('x')], { alpha: float(op.number('slope')) }),
  clamp,
  gelu: (op, graph) => (op.option('approximate') === 'tanh' ? geluTanh(op, graph) : geluExact(op, graph)),
  where: (op, graph) => {
    const condition = graph.cast(op.input('condition'), 'bool');
    return graph.node('Where', [condition, op.input('a'), op.input('b')], {}, 'f32');
  },
  eq: comparison('Equal'),
  ne: (op, graph) => graph.node('Not', [comparison('Equal')(op, graph)]),
  gt: comparison('Greater'),
  ge: comparison('GreaterOrEqual'),
  lt: comparison('Less'),
  le: comparison('LessOrEqual'),
};

function clamp(op: ExportedOp, graph: GraphBuilder): GraphValue {
  const [least, most] = [op.number('min'), op.number('max')];
  const [min, max] = [least, most].map((bound) => (Number.isFinite(bound) ? graph.floats(bound) : undefined));
  if (!min && !max && least < most) return graph.node('Identity', [op.input('x')]);
  if (least <= most) return graph.node('Clip', [op.input('x'), min, max]);
  // Bounds that cross: the last counts, for which Clip gives no promise.
  return graph.node('Min', [graph.node('Max', [op.input('x'), graph.floats(least)]), graph.floats(most)]);
}

/** x · (1 + erf(x / √2)) / 2: Gelu itself came with opset 20. */
function geluExact(op: ExportedOp, graph: GraphBuilder): GraphValue {
  const x = op.input('x');
  const scaled = graph.node('Mul', [x, graph.floats(Math.SQRT1_2)]);
  const twice = graph.node('Add', [graph.node('Erf', [scaled]), graph.floats(1)]);
  return graph.node('Mul', [graph.node('Mul', [x, graph.floats(0.5)]), twice]);
}

/** x · (1 + tanh(√(2 / π) · (x + 0.044715 · x³))) / 2 */
function geluTanh(op: ExportedOp, graph: GraphBuilder): GraphValue {
  const x = op.input('x');
  const cube = graph.node('Mul', [graph.node('Mul', [x, x]), x]);
  const sum = graph.node('Add', [x, graph.node('Mul', [cube, graph.floats(0.044715)])]);
  const inner = graph.node('Mul', [sum, graph.floats(Math.sqrt(2 / Math.PI))]);
  const twice = graph.node('Add', [graph.node('Tanh', [inner]), graph.floats(1)]);
  return graph.node('Mul', [graph.node('Mul', [x, graph.floats(0.5)]), twice]);
}

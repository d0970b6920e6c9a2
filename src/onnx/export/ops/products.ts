/** Matrix products and reductions. */
import { type Attributes, type GraphBuilder, type GraphValue, int, ints } from '../builder.ts';
import type { ExportedOp, OpExporter, Operand } from '../exported-op.ts';

export const PRODUCTS: Readonly<Record<string, OpExporter>> = {
  linear: (op, graph) => {
    const [input, weight, bias] = [op.input('input'), op.input('weight'), op.inputs.get('bias')];
    if (input.dims.length === 2) return graph.node('Gemm', [input, weight, bias], { transB: int(1) });
    const product = graph.node('MatMul', [input, transposed(graph, weight)]);
    return bias ? graph.node('Add', [product, bias]) : product;
  },
  matmul: (op, graph) => {
    const operand = (name: string, flag: string) =>
      op.flag(flag) ? transposed(graph, op.input(name)) : op.input(name);
    return graph.node('MatMul', [operand('a', 'transposeA'), operand('b', 'transposeB')]);
  },
  // Until opset 18 only ReduceSum takes its dimensions as an input.
  sum: (op, graph) =>
    graph.node('ReduceSum', [op.input('input'), graph.integers(op.numbers('dims'))], { keepdims: keepdims(op) }),
  mean: reduction('ReduceMean'),
  max: reduction('ReduceMax'),
  min: reduction('ReduceMin'),
  logsumexp: reduction('ReduceLogSumExp'),
  argmax: (op, graph) => place('ArgMax', op, graph),
  argmin: (op, graph) => place('ArgMin', op, graph),
};

/** With its last two dimensions exchanged. */
function transposed(graph: GraphBuilder, operand: Operand): GraphValue {
  const axes = operand.dims.map((_, axis) => axis);
  const [last, before] = [axes.pop()!, axes.pop()!];
  return graph.node('Transpose', [operand], { perm: ints([...axes, last, before]) });
}

const keepdims = (op: ExportedOp) => int(op.flag('keepdim') ? 1 : 0);

function reduction(name: string): OpExporter {
  return (op, graph) => {
    const input = op.input('input');
    // A single value without dimensions has none to reduce.
    if (input.dims.length === 0) return graph.node('Identity', [input]);
    return graph.node(name, [input], { axes: ints(op.numbers('dims')), keepdims: keepdims(op) });
  };
}

/** Of one dimension, or of all values row by row. */
function place(name: string, op: ExportedOp, graph: GraphBuilder): GraphValue {
  const input = op.input('input');
  const dims = op.numbers('dims');
  const [axis] = dims;
  const find = (value: GraphValue, attributes: Attributes) => graph.node(name, [value], attributes, 'i64');
  if (dims.length === 1) return find(input, { axis: int(axis!), keepdims: keepdims(op) });
  const row = graph.node('Reshape', [input, graph.integers([-1])]);
  return graph.reshape(find(row, { axis: int(0), keepdims: int(0) }), op.dims);
}

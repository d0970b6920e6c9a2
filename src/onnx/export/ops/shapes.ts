/** Ops that move values: they take numbers, indices and truth values alike. */
import { END, type GraphBuilder, type GraphValue, int, ints, text } from '../builder.ts';
import { fixed, isFixed } from '../dims.ts';
import type { ExportedOp, OpExporter } from '../exported-op.ts';

const reshape: OpExporter = (op, graph) => graph.reshape(op.input('input'), op.dims);
const permute: OpExporter = (op, graph) =>
  graph.node('Transpose', [op.input('input')], { perm: ints(op.numbers('dims')) });

export const SHAPES: Readonly<Record<string, OpExporter>> = {
  reshape,
  squeeze: reshape,
  unsqueeze: reshape,
  flatten: (op, graph) => {
    const input = op.input('input');
    const rows = op.dims.length === 2 && input.dims.length > 1 && isSame(op.dims[0]!, input.dims[0]!);
    return rows ? graph.node('Flatten', [input], { axis: int(1) }) : reshape(op, graph);
  },
  permute,
  transpose: permute,
  flip: (op, graph) => {
    const dims = op.numbers('dims');
    if (dims.length === 0 || op.dims.length === 0) return graph.node('Identity', [op.input('input')]);
    const all = (value: number) => graph.integers(dims.map(() => value));
    // From the last value to before the first.
    return graph.node('Slice', [op.input('input'), all(-1), all(-END), graph.integers(dims), all(-1)]);
  },
  expand: (op, graph) => graph.node('Expand', [op.input('input'), graph.shape(op.dims)]),
  concat: (op, graph) => graph.node('Concat', alike([...op.inputs.values()], graph), { axis: int(op.number('dim')) }),
  stack: (op, graph) => {
    const axis = op.number('dim');
    const rows = alike([...op.inputs.values()], graph).map((value) =>
      graph.node('Unsqueeze', [value, graph.integers([axis])]),
    );
    return graph.node('Concat', rows, { axis: int(axis) });
  },
  narrow: (op, graph) => cut(op, graph, op.input('input')),
  pad: (op, graph) => cut(op, graph, padded(op, graph)),
  indexSelect: (op, graph) => {
    const index = op.input('index');
    // One value as an index, of shape [], counts as [1], except in a tensor without dimensions.
    const list = index.dims.length === 0 && op.dims.length > 0 ? graph.reshape(index, [fixed(1)]) : index;
    if (op.dims.length === 0) return graph.node('Identity', [op.input('input')]);
    return graph.node('Gather', [op.input('input'), graph.cast(list, 'i64')], { axis: int(op.number('dim')) });
  },
  embedding: (op, graph) =>
    graph.node('Gather', [op.input('weight'), graph.cast(op.input('index'), 'i64')], { axis: int(0) }),
};

const isSame = (a: ExportedOp['dims'][number], b: ExportedOp['dims'][number]) =>
  a.times === b.times && a.plus === b.plus;

/** Truth values beside indices, which the engine holds in one type, are written as numbers. */
function alike(values: readonly GraphValue[], graph: GraphBuilder): GraphValue[] {
  const mixed = values.some(({ type }) => type !== values[0]!.type);
  return values.map((value) => (mixed ? graph.cast(value, 'i64') : value));
}

interface Padding {
  readonly before: number;
  readonly after: number;
}

const axesOf = (op: ExportedOp) => op.option('axes') as readonly Padding[];

/** Without what negative paddings cut off. */
function cut(op: ExportedOp, graph: GraphBuilder, value: GraphValue): GraphValue {
  const cuts = axesOf(op).flatMap(({ before, after }, axis) => {
    if (before >= 0 && after >= 0) return [];
    const start = Math.max(0, -before);
    const { plus } = op.dims[axis]!;
    // Counted from the start where that is the same for every batch, else from the end.
    return [{ axis, start, end: isFixed(op.dims[axis]!) ? start + plus : after < 0 ? after : END }];
  });
  if (cuts.length === 0) return value;
  const list = (key: 'start' | 'end' | 'axis') => graph.integers(cuts.map((one) => one[key]));
  return graph.node('Slice', [value, list('start'), list('end'), list('axis')]);
}

const MODES: Readonly<Record<string, string>> = { constant: 'constant', reflect: 'reflect', replicate: 'edge' };

/** With what positive paddings add. */
function padded(op: ExportedOp, graph: GraphBuilder): GraphValue {
  const input = op.input('input');
  const counts = axesOf(op).map(({ before, after }) => ({ before: Math.max(0, before), after: Math.max(0, after) }));
  if (counts.every(({ before, after }) => before + after === 0)) return input;
  const name = op.option('mode') as string;
  if (name === 'circular')
    return counts.reduce<GraphValue>((value, count, axis) => wrapped(graph, value, axis, count), input);
  const pads = graph.integers([...counts.map(({ before }) => before), ...counts.map(({ after }) => after)]);
  if (name !== 'constant') return graph.node('Pad', [input, pads], { mode: text(MODES[name]!) });
  // Truth values have no constants here.
  const numbers = input.type === 'bool' ? graph.cast(input, 'i64') : input;
  const value = op.number('value');
  const constant = numbers.type === 'f32' ? graph.floats(value) : graph.integers([value], []);
  return graph.node('Pad', [numbers, pads, constant], { mode: text('constant') });
}

/** Padded with the values of the other side, for which Pad has a mode since opset 19 only. */
function wrapped(graph: GraphBuilder, value: GraphValue, axis: number, { before, after }: Padding): GraphValue {
  const part = (start: number, end: number) =>
    graph.node('Slice', [value, graph.integers([start]), graph.integers([end]), graph.integers([axis])]);
  const parts = [...(before > 0 ? [part(-before, END)] : []), value, ...(after > 0 ? [part(0, after)] : [])];
  return parts.length === 1 ? value : graph.node('Concat', parts, { axis: int(axis) });
}

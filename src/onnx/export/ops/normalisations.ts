/** Normalisations, softmax, and dropout, which does nothing in evaluation. */
import { float, type GraphBuilder, type GraphValue, int } from '../builder.ts';
import { fixed, fixedShape } from '../dims.ts';
import type { ExportedOp, OpExporter } from '../exported-op.ts';

const IN_TRAINING =
  'is called in training mode, which a file for predictions has not. Let it follow the module’s `training`.';

/** What stays of a batch norm that went into the convolution before it: its residual and ReLU. */
export const FOLDED = 'batchNorm2d, folded';

export const NORMALISATIONS: Readonly<Record<string, OpExporter>> = {
  batchNorm2d: (op, graph) => {
    if (op.flag('training')) op.fail(IN_TRAINING);
    const operands = ['input', 'weight', 'bias', 'runningMean', 'runningVar'].map((name) => op.input(name));
    return after(op, graph, graph.node('BatchNormalization', operands, { epsilon: float(op.number('eps')) }));
  },
  [FOLDED]: (op, graph) => after(op, graph, op.input('input')),
  layerNorm: (op, graph) => {
    const shape = op.numbers('normalizedShape');
    const scale = op.inputs.get('weight') ?? graph.floats(constants(shape, 1), shape);
    const attributes = { axis: int(-shape.length), epsilon: float(op.number('eps')) };
    return graph.node('LayerNormalization', [op.input('input'), scale, op.inputs.get('bias')], attributes);
  },
  groupNorm: (op, graph) => {
    const groups = op.number('groups');
    const [batch, channels, ...rest] = op.dims;
    const inGroup = fixedShape([channels!, ...rest]).reduce((product, extent) => product * extent, 1) / groups;
    const parts = graph.reshape(op.input('input'), [batch!, fixed(groups), fixed(inGroup)]);
    // Each group as a channel of an instance norm, which normalises it alone.
    const [ones, zeros] = [1, 0].map((value) => graph.floats(constants([groups], value), [groups]));
    const epsilon = float(op.number('eps'));
    const normalised = graph.node('InstanceNormalization', [parts, ones, zeros], { epsilon });
    return perChannel(op, graph, graph.reshape(normalised, op.dims));
  },
  softmax: (op, graph) => graph.node('Softmax', [op.input('input')], { axis: int(op.number('dim')) }),
  logSoftmax: (op, graph) => graph.node('LogSoftmax', [op.input('input')], { axis: int(op.number('dim')) }),
  dropout: inEvaluation,
  stochasticDepth: inEvaluation,
};

function after(op: ExportedOp, graph: GraphBuilder, normalised: GraphValue): GraphValue {
  const residual = op.inputs.get('residual');
  const sum = residual ? graph.node('Add', [normalised, residual]) : normalised;
  return op.flag('relu') ? graph.node('Relu', [sum]) : sum;
}

/** Nothing, as in evaluation. */
function inEvaluation(op: ExportedOp): GraphValue {
  return op.flag('training') ? op.fail(IN_TRAINING) : op.input('input');
}

const constants = (shape: readonly number[], value: number) =>
  new Array<number>(shape.reduce((product, extent) => product * extent, 1)).fill(value);

/** Scaled by the weight of each channel, plus its bias, where the op has them. */
function perChannel(op: ExportedOp, graph: GraphBuilder, value: GraphValue): GraphValue {
  const column = [op.dims[1]!, ...op.dims.slice(2).map(() => fixed(1))];
  const [weight, bias] = ['weight', 'bias'].map((name) => {
    const operand = op.inputs.get(name);
    return operand && graph.reshape(operand, column);
  });
  const scaled = weight ? graph.node('Mul', [value, weight]) : value;
  return bias ? graph.node('Add', [scaled, bias]) : scaled;
}

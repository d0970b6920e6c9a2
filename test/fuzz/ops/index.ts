/** The table of ops, and what the rest of the generator asks it. */
import type { Shape, Tensor } from '../../../src/autograd/index.ts';
import type { Op } from '../program.ts';
import { ELEMENTWISE } from './elementwise.ts';
import { IMAGES } from './images.ts';
import { LAYERS } from './layers.ts';
import { LOSSES } from './losses.ts';
import { REDUCTIONS } from './reductions.ts';
import type { Row } from './row.ts';
import { SHAPES } from './shapes.ts';

/** All ops, by name. */
export const OPS: Readonly<Record<string, Row>> = {
  ...ELEMENTWISE,
  ...IMAGES,
  ...LAYERS,
  ...LOSSES,
  ...REDUCTIONS,
  ...SHAPES,
};

export const rowOf = ({ op }: Op): Row => OPS[op]!;

/** Runs an op on the tensors that `get` finds for its names. */
export function runOp(op: Op, get: (name: string) => Tensor): Tensor {
  const tensors = Object.entries(op.inputs).map(([input, name]) => [input, get(name)] as const);
  return rowOf(op).run(Object.fromEntries(tensors), op.options);
}

/** What the gradient of an input reads; undefined if it has none. */
function readFor(op: Op, input: string): readonly string[] | undefined {
  const { gradients } = rowOf(op);
  return gradients[input] ?? gradients[input.replace(/\d+$/, '')];
}

/** The inputs of an op that a gradient flows to. Labels, running statistics and inputs of counts get none. */
export function differentiableInputsOf(op: Op): string[] {
  return Object.entries(op.inputs).flatMap(([input, name]) => (readFor(op, input) ? [name] : []));
}

/** The running statistics that a batch norm in training moves. */
export function movedBy(op: Op): string[] {
  return (rowOf(op).moves?.(op.options) ?? []).map((input) => op.inputs[input]!);
}

/** The inputs that must not change between an op and its backward. */
export function readBy(op: Op): string[] {
  const { reads } = rowOf(op);
  return Object.entries(op.inputs).flatMap(([input, name]) => (!reads || reads.includes(input) ? [name] : []));
}

/** What the engine's backward certainly reads for the gradients of these tensors: tensors, and `output` or `own`. */
export function savedBy(op: Op, tracked: readonly string[]): Set<string> {
  const inputs = Object.entries(op.inputs).filter(([, name]) => tracked.includes(name));
  const read = new Set(inputs.flatMap(([input]) => readFor(op, input) ?? []));
  // Numbers among the operands, and optional inputs that are not there, take no memory.
  return new Set([...read].flatMap((one) => (one === 'output' || one === 'own' ? [one] : (op.inputs[one] ?? []))));
}

/** Whether an op's gradient is not its slope. */
export const cutsGradient = (op: Op): boolean => rowOf(op).cuts?.(op.options) ?? false;

/** The tensor whose memory a result shares. */
export function viewedBy(op: Op): string | undefined {
  return rowOf(op).view?.(op.options) ? op.inputs.input : undefined;
}

export function shapeOf(op: Op, shape: (name: string) => Shape): Shape {
  const shapes = Object.entries(op.inputs).map(([input, name]) => [input, shape(name)] as const);
  return rowOf(op).shape(Object.fromEntries(shapes), op.options);
}

/** ONNX's ops as ours: the one table of imported networks and of `verify onnx`. */
import { Tensor } from '../autograd/index.ts';
import { Call, type GraphRun, isHostInteger, type Op, type Value } from './call.ts';
import { ELEMENTWISE } from './import-ops/elementwise.ts';
import { HOST_INTEGERS, HOST_ONLY } from './import-ops/host.ts';
import { LOSSES } from './import-ops/losses.ts';
import { NORMALISATIONS } from './import-ops/normalisations.ts';
import { REDUCTIONS } from './import-ops/reductions.ts';
import { SHAPES } from './import-ops/shapes.ts';
import { WINDOWS } from './import-ops/windows.ts';
import type { OnnxNode } from './types.ts';

const OPS: Readonly<Record<string, Op>> = {
  ...{ ...ELEMENTWISE, ...REDUCTIONS, ...SHAPES, ...WINDOWS, ...NORMALISATIONS, ...LOSSES },
  ...HOST_ONLY,
};

/** The names of all ops that we have. */
export const OP_NAMES: readonly string[] = Object.keys(OPS).sort();

/** Whether our ops can say this one. */
export function isKnownOp({ op, domain }: OnnxNode): boolean {
  return domain === '' && Object.hasOwn(OPS, op);
}

/**
 * Computes a node: on the host if all its inputs are integers that the host knows.
 * @param inputs in the node's order; undefined for one that is left out
 * @returns values for its outputs, or for the first of them
 * @throws NotExpressible if our ops cannot say it; ShapeError and others of our ops
 */
export function runNode(node: OnnxNode, inputs: readonly (Value | undefined)[], run: GraphRun): readonly Value[] {
  const onHost = inputs.length > 0 && inputs.every(isHostInteger) && Object.hasOwn(HOST_INTEGERS, node.op);
  const op = (onHost ? HOST_INTEGERS : OPS)[node.op]!;
  const results = op(new Call(node, inputs, run));
  return isList(results) ? results : [results];
}

function isList(results: Value | readonly Value[]): results is readonly Value[] {
  return !(results instanceof Tensor) && Array.isArray(results);
}

/** Runs ONNX's node tests: reads one, computes its graph with our ops, and compares the outputs. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { GraphProto, ValueInfoProto } from 'onnx-buf';
import { type DType, noGrad, scope, Tensor } from '../../src/autograd/index.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { Call, type GraphRun, isHostInteger, NotExpressible, type Op, type Value } from './call.ts';
import { ELEMENTWISE } from './ops/elementwise.ts';
import { HOST_INTEGERS, HOST_ONLY } from './ops/host.ts';
import { LOSSES } from './ops/losses.ts';
import { NORMALISATIONS } from './ops/normalisations.ts';
import { REDUCTIONS } from './ops/reductions.ts';
import { SHAPES } from './ops/shapes.ts';
import { WINDOWS } from './ops/windows.ts';
import { ElementTypeError, type HostTensor, OWN_DOMAINS, readModel, readTensor, toHost } from './read.ts';

/** ONNX's ops as ours, and what they need on the host. */
const OPS: Readonly<Record<string, Op>> = {
  ...{ ...ELEMENTWISE, ...REDUCTIONS, ...SHAPES, ...WINDOWS, ...NORMALISATIONS, ...LOSSES },
  ...HOST_ONLY,
};

/**
 * The allowed difference from an output. Both sides have rounded in float32, NumPy's partly in another order, which is
 * some ulps (6e-8 each) of the largest term. ONNX's own runner allows 1e-3 of the value and 1e-7.
 */
const RELATIVE = 1e-5;
const ABSOLUTE = 1e-6;

const NOTHING = 'nothing to compute on the device';

/**
 * The outcome of a test: the outputs that differ, with the largest difference of each; the reason why it cannot be
 * expressed, and the op that we do not have if that is the reason.
 */
export type Result =
  | { readonly kind: 'agrees'; readonly double: boolean }
  | { readonly kind: 'differs'; readonly outputs: ReadonlyMap<string, string> }
  | { readonly kind: 'not expressible'; readonly reason: string; readonly missing?: string };

/** @param folder has `model.onnx`, and a folder of inputs and outputs for each set of them */
export async function runTest(gpu: Gpu, folder: string): Promise<Result> {
  try {
    return await judge(gpu, folder);
  } catch (error) {
    if (error instanceof MissingOp) return { kind: 'not expressible', reason: error.message, missing: error.opType };
    if (error instanceof NotExpressible || error instanceof ElementTypeError) {
      return { kind: 'not expressible', reason: error.message };
    }
    return { kind: 'differs', outputs: new Map([['all outputs', String(error)]]) };
  }
}

class MissingOp extends NotExpressible {
  readonly opType: string;

  constructor(opType: string) {
    super(`no op ${opType}`);
    this.opType = opType;
  }
}

/** @throws NotExpressible or ElementTypeError if the test is not for us */
async function judge(gpu: Gpu, folder: string): Promise<Result> {
  const { graph, version } = readModel(join(folder, 'model.onnx'));
  const unknown = graph.node.find(({ opType, domain }) => !Object.hasOwn(OPS, opType) || !OWN_DOMAINS.includes(domain));
  if (unknown) throw new MissingOp(unknown.opType);
  for (const { type } of [...graph.input, ...graph.output]) {
    if (type?.value.case !== 'tensorType') throw new NotExpressible('sequences and optional values');
  }
  const sets = readdirSync(folder).filter((name) => name.startsWith('test_data_set_'));
  if (sets.length === 0) throw new Error('there is no test data');
  let double = false;
  const differences = new Map<string, string>();
  for (const set of sets) {
    const read = (values: readonly ValueInfoProto[], kind: string) =>
      values.map(({ name }, i) => [name, readTensor(join(folder, set, `${kind}_${i}.pb`))] as const);
    const known = new Map(graph.initializer.map((tensor) => [tensor.name, toHost(tensor, tensor.name)]));
    const inputs = new Map([
      ...known,
      ...read(
        graph.input.filter(({ name }) => !known.has(name)),
        'input',
      ),
    ]);
    const expected = read(graph.output, 'output');
    double ||= [...inputs.values()].some(({ type }) => type === 'DOUBLE');
    const found = noGrad(() => scope(() => compute(graph, inputs, { gpu, version, uploads: new Map() })));
    for (const [name, wanted] of expected) {
      const difference = differenceOf(found.get(name)!, await found.get(name)!.data(), wanted);
      if (difference) differences.set(name, difference);
    }
    for (const tensor of found.values()) tensor.dispose();
  }
  return differences.size > 0 ? { kind: 'differs', outputs: differences } : { kind: 'agrees', double };
}

/** Runs the nodes in their order: each comes after those whose results it takes. @returns the outputs by name */
function compute(graph: GraphProto, inputs: ReadonlyMap<string, HostTensor>, run: GraphRun) {
  const values = new Map<string, Value>(inputs);
  for (const node of graph.node) {
    const given = node.input.map((name) => (name === '' ? undefined : values.get(name)));
    const call = new Call(node, given, run);
    const onHost = given.length > 0 && given.every((value) => value && isHostInteger(value));
    const op = (onHost && HOST_INTEGERS[node.opType]) || OPS[node.opType]!;
    const results = op(call);
    for (const [i, value] of (Array.isArray(results) ? results : [results]).entries()) {
      const name = node.output[i];
      if (name) values.set(name, value);
    }
  }
  const outputs = new Map<string, Tensor<DType>>();
  for (const { name } of graph.output) {
    const value = values.get(name);
    if (!(value instanceof Tensor)) throw new NotExpressible(value ? NOTHING : 'further outputs');
    outputs.set(name, value);
  }
  const uploaded = new Set([...run.uploads.values()].flat());
  if ([...outputs.values()].every((value) => uploaded.has(value))) throw new NotExpressible(NOTHING);
  return outputs;
}

/** What is wrong with an output, or undefined. */
function differenceOf(found: Tensor<DType>, values: ArrayLike<number>, expected: HostTensor): string | undefined {
  if (found.shape.join() !== expected.shape.join()) {
    return `shape [${found.shape.join(', ')}] instead of [${expected.shape.join(', ')}]`;
  }
  const floats = expected.type === 'FLOAT' || expected.type === 'DOUBLE';
  if (floats !== (found.dtype === 'f32')) return `${found.dtype} instead of ${expected.type}`;
  let [worst, at] = [0, -1];
  for (const [i, wanted] of expected.values.entries()) {
    const value = values[i]!;
    if (Object.is(value, wanted) || value === wanted) continue;
    const allowed = floats ? ABSOLUTE + RELATIVE * Math.abs(wanted) : 0;
    const excess = Math.abs(value - wanted) / allowed;
    // Also true for NaN.
    if (!(excess <= Math.max(1, worst))) [worst, at] = [excess, i];
  }
  if (at < 0) return undefined;
  return `${values[at]} instead of ${expected.values[at]} at ${at} of ${expected.values.length}`;
}

/** Runs ONNX's node tests: reads one, computes its graph with our ops, and compares the outputs. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type DType, noGrad, scope, Tensor } from '../../src/autograd/index.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { type GraphRun, NotExpressible, type Uploads, type Value } from '../../src/onnx/call.ts';
import { type HostTensor, toHost } from '../../src/onnx/host-tensor.ts';
import { isKnownOp, runNode } from '../../src/onnx/op-table.ts';
import { ElementTypeError, type OnnxGraph, type OnnxModel, type OnnxValue } from '../../src/onnx/proto.ts';
import { readModel, readTensor } from './read.ts';

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
  const model = await readModel(join(folder, 'model.onnx'));
  const { graph } = model;
  const unknown = graph.nodes.find((node) => !isKnownOp(node));
  if (unknown) throw new MissingOp(unknown.op);
  if ([...graph.inputs, ...graph.outputs].some(({ isOther }) => isOther)) {
    throw new NotExpressible('sequences and optional values');
  }
  const sets = readdirSync(folder).filter((name) => name.startsWith('test_data_set_'));
  if (sets.length === 0) throw new Error('there is no test data');
  let double = false;
  const differences = new Map<string, string>();
  for (const set of sets) {
    const read = (values: readonly OnnxValue[], kind: string) =>
      Promise.all(
        values.map(async ({ name }, i) => [name, await readTensor(join(folder, set, `${kind}_${i}.pb`))] as const),
      );
    const known = new Map([...graph.initializers].map(([name, tensor]) => [name, toHost(tensor)]));
    const given = graph.inputs.filter(({ name }) => !known.has(name));
    const inputs = new Map([...known, ...(await read(given, 'input'))]);
    const expected = await read(graph.outputs, 'output');
    double ||= [...inputs.values()].some(({ type }) => type === 'f64');
    const found = noGrad(() => scope(() => compute(gpu, model, inputs)));
    for (const [name, wanted] of expected) {
      const difference = differenceOf(found.get(name)!, await found.get(name)!.data(), wanted);
      if (difference) differences.set(name, difference);
    }
    for (const tensor of found.values()) tensor.dispose();
  }
  return differences.size > 0 ? { kind: 'differs', outputs: differences } : { kind: 'agrees', double };
}

/** The tensors made of each value, one for each type that was asked for. */
class AllUploads implements Uploads {
  readonly #made = new Map<HostTensor, Tensor<DType>[]>();

  get(value: HostTensor, dtype: DType, make: () => Tensor<DType>): Tensor<DType> {
    const made = this.#made.get(value) ?? [];
    const found = made.find((tensor) => tensor.dtype === dtype);
    if (found) return found;
    const tensor = make();
    this.#made.set(value, [...made, tensor]);
    return tensor;
  }

  has(tensor: Tensor<DType>): boolean {
    return [...this.#made.values()].some((made) => made.includes(tensor));
  }
}

/** Runs the nodes in their order: each comes after those whose results it takes. @returns the outputs by name */
function compute(gpu: Gpu, { graph, opset }: OnnxModel, inputs: ReadonlyMap<string, HostTensor>) {
  const uploads = new AllUploads();
  const run: GraphRun = { gpu, version: opset, uploads };
  const values = new Map<string, Value>(inputs);
  for (const node of graph.nodes) {
    const given = node.inputs.map((name) => (name === '' ? undefined : values.get(name)));
    for (const [i, value] of runNode(node, given, run).entries()) {
      const name = node.outputs[i];
      if (name) values.set(name, value);
    }
  }
  return outputsOf(graph, values, uploads);
}

function outputsOf(graph: OnnxGraph, values: ReadonlyMap<string, Value>, uploads: AllUploads) {
  const outputs = new Map<string, Tensor<DType>>();
  for (const { name } of graph.outputs) {
    const value = values.get(name);
    if (!(value instanceof Tensor)) throw new NotExpressible(value ? NOTHING : 'further outputs');
    outputs.set(name, value);
  }
  if ([...outputs.values()].every((value) => uploads.has(value))) throw new NotExpressible(NOTHING);
  return outputs;
}

/** What is wrong with an output, or undefined. */
function differenceOf(found: Tensor<DType>, values: ArrayLike<number>, expected: HostTensor): string | undefined {
  if (found.shape.join() !== expected.shape.join()) {
    return `shape [${found.shape.join(', ')}] instead of [${expected.shape.join(', ')}]`;
  }
  const floats = expected.type === 'f16' || expected.type === 'f32' || expected.type === 'f64';
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

/** Runs ONNX's node tests: reads one, computes its graph with our ops, and compares the outputs. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { GraphProto, ModelProto, ValueInfoProto } from 'onnx-buf';
import { type DType, noGrad, scope, Tensor } from '../../src/autograd/index.ts';
import type { Gpu, Readback } from '../../src/gpu/gpu.ts';
import { Call, type GraphRun, isHostInteger, NotExpressible, type Op, type Value } from './call.ts';
import { ELEMENTWISE } from './ops/elementwise.ts';
import { HOST_INTEGERS, HOST_ONLY } from './ops/host.ts';
import { LOSSES } from './ops/losses.ts';
import { NORMALISATIONS } from './ops/normalisations.ts';
import { REDUCTIONS } from './ops/reductions.ts';
import { SHAPES } from './ops/shapes.ts';
import { WINDOWS } from './ops/windows.ts';
import { ElementTypeError, type HostTensor, readModel, readTensor, toHost } from './read.ts';

/** ONNX's ops as ours, and what they need on the host. */
const OPS: Readonly<Record<string, Op>> = {
  ...{ ...ELEMENTWISE, ...REDUCTIONS, ...SHAPES, ...WINDOWS, ...NORMALISATIONS, ...LOSSES },
  ...HOST_ONLY,
};

/** Names of the domain of ONNX's own ops. Others have ops for training and for classical machine learning. */
const OWN_DOMAINS = ['', 'ai.onnx'];

/**
 * The allowed difference from an output. Both sides have rounded in float32, NumPy's partly in another order, which is
 * some ulps (6e-8 each) of the largest term. ONNX's own runner allows 1e-3 of the value and 1e-7.
 */
const RELATIVE = 1e-5;
const ABSOLUTE = 1e-6;

/** The outcome of a test. `differs` names the outputs that differ, with the largest difference of each. */
export type Result =
  | { readonly kind: 'agrees'; readonly double: boolean }
  | { readonly kind: 'differs'; readonly outputs: ReadonlyMap<string, string> }
  | { readonly kind: 'not expressible'; readonly ops: readonly string[]; readonly reason: string };

export async function runNodeTest(gpu: Gpu, folder: string): Promise<Result> {
  const model = readModel(join(folder, 'model.onnx'));
  const graph = model.graph!;
  const ops = [...new Set(graph.node.map((node) => node.opType))];
  try {
    return await judge(gpu, model, folder);
  } catch (error) {
    if (error instanceof NotExpressible || error instanceof ElementTypeError) {
      return { kind: 'not expressible', ops, reason: error.message };
    }
    if (error instanceof Error) return { kind: 'differs', outputs: new Map([['all outputs', String(error)]]) };
    throw error;
  }
}

/** @throws NotExpressible or ElementTypeError if the test is not for us */
async function judge(gpu: Gpu, model: ModelProto, folder: string): Promise<Result> {
  const graph = model.graph!;
  const version = Number(model.opsetImport.find(({ domain }) => OWN_DOMAINS.includes(domain))?.version ?? 0);
  const unknown = graph.node.find(({ opType, domain }) => !Object.hasOwn(OPS, opType) || !OWN_DOMAINS.includes(domain));
  if (unknown) throw new NotExpressible('no such op');
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
      const difference = differenceOf(await found.get(name)!.read(), wanted);
      if (difference) differences.set(name, difference);
    }
  }
  return differences.size > 0 ? { kind: 'differs', outputs: differences } : { kind: 'agrees', double };
}

/** An output that is on its way from the device. */
class Output {
  readonly #shape: readonly number[];
  readonly #dtype: DType;
  readonly #bytes: Readback;

  constructor(tensor: Tensor<DType>) {
    this.#shape = tensor.shape;
    this.#dtype = tensor.dtype;
    this.#bytes = tensor.readback();
  }

  dispose(): void {}

  async read(): Promise<Found> {
    const bytes = await this.#bytes.get();
    const Values = { f32: Float32Array, f16: Float32Array, u32: Uint32Array, i32: Int32Array }[this.#dtype];
    return { shape: this.#shape, dtype: this.#dtype, values: new Values(bytes) };
  }
}

interface Found {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly values: Float32Array | Uint32Array | Int32Array;
}

/** Runs the nodes in their order, which is that of their needs, and starts reading the outputs. */
function compute(graph: GraphProto, inputs: ReadonlyMap<string, HostTensor>, run: GraphRun): Map<string, Output> {
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
  const uploaded = new Set<Value>(run.uploads.values());
  const outputs = graph.output.map(({ name }) => {
    const value = values.get(name);
    if (!value) throw new NotExpressible(`output ${name}`);
    return [name, value] as const;
  });
  if (outputs.every(([, value]) => !(value instanceof Tensor) || uploaded.has(value))) {
    throw new NotExpressible('nothing to compute on the device');
  }
  return new Map(
    outputs.map(([name, value]) => {
      if (!(value instanceof Tensor)) throw new NotExpressible(`output ${name} is computed on the host`);
      return [name, new Output(value)];
    }),
  );
}

/** What is wrong with an output, or undefined. */
function differenceOf(found: Found, expected: HostTensor): string | undefined {
  if (found.shape.join() !== expected.shape.join()) {
    return `shape [${found.shape.join(', ')}] instead of [${expected.shape.join(', ')}]`;
  }
  const floats = expected.type === 'FLOAT' || expected.type === 'DOUBLE';
  if (floats !== (found.dtype === 'f32')) return `${found.dtype} instead of ${expected.type}`;
  let [worst, at] = [0, -1];
  for (const [i, wanted] of expected.values.entries()) {
    const value = found.values[i]!;
    if (Object.is(value, wanted) || value === wanted) continue;
    const allowed = floats ? ABSOLUTE + RELATIVE * Math.abs(wanted) : 0;
    const excess = Math.abs(value - wanted) / allowed;
    // Also true for NaN.
    if (!(excess <= Math.max(1, worst))) [worst, at] = [excess, i];
  }
  if (at < 0) return undefined;
  return `${found.values[at]} instead of ${expected.values[at]} at ${at} of ${expected.values.length}`;
}

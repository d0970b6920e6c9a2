/** Writes any network built of the library's ops as an ONNX file, by recording its forward pass. */
import { halvesOf } from '../../autograd/half.ts';
import { type Shape, Tensor } from '../../autograd/tensor.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { Module } from '../../nn/module.ts';
import { encodeOnnx } from '../proto.ts';
import type { OnnxModel, OnnxType, OnnxValue } from '../types.ts';
import { GraphBuilder, type GraphValue, int } from './builder.ts';
import { type Dims, fixed, formatExtent, isFixed } from './dims.ts';
import { OnnxExportError } from './errors.ts';
import { ExportedOp, type OpExporter, type Operand } from './exported-op.ts';
import { foldBatchNorms, type HostState } from './fold.ts';
import { OPS } from './ops/index.ts';
import { type Preprocess, preprocess } from './preprocess.ts';
import type { Source } from './recorder.ts';
import { type Trace, type TracedConstant, type TracedOp, traceModel } from './trace.ts';

/** The version of ONNX's ops that files are written for, and that of the format which goes with it. */
const OPSET = 17;
const IR_VERSION = 8;

/** A message of protocol buffers has at most 2 GiB; the graph beside the weights is small. */
const MOST_BYTES = 2 ** 31 - 2 ** 24;

/** Settings of `exportOnnx`. */
export interface ExportOptions {
  /** The shape of one item, without the batch: `[3, 224, 224]`. The file takes batches of any size. */
  readonly inputShape: Shape;
  /** The type of the input, f32 by default; u32, for indices, becomes ONNX's int64. */
  readonly inputType?: 'f32' | 'u32';
  /** The device of a function's tensors; a module has its own. */
  readonly gpu?: Gpu;
  /** The name of the input in the file; 'input' by default. */
  readonly inputName?: string;
  /** The name of the output in the file; 'output' by default. */
  readonly outputName?: string;
  /** Whether batch norms become part of the convolutions before them. Off by default. */
  readonly foldBatchNorm?: boolean;
  /** Whether the file takes pixels, and normalises them itself. */
  readonly preprocess?: Preprocess;
  /** Whether the file has a second output, `probabilities`: the softmax of the scores. Off by default. */
  readonly probabilities?: boolean;
  /** Whether weights of convolutions and linear layers are kept in f16, and computed with in f32. Off by default. */
  readonly half?: boolean;
  /** Texts that the file carries, by name. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** How ops of your own are written, by their names. */
  readonly ops?: Readonly<Record<string, OpExporter>>;
}

/** What is exported: a module of one tensor, or a function, whose tensors from outside become constants. */
export type ExportedModel = Module | ((input: Tensor) => Tensor);

/**
 * Runs the model twice in evaluation mode, on batches of zeros, and writes the ops that it calls as an ONNX file of
 * opset 17. Parameters and buffers keep the names of the state dict.
 * @returns the file
 * @throws OnnxExportError for an op without a counterpart in ONNX, a result that does not come from ops, a forward pass
 *   that depends on the batch in other ways than its shapes, and weights beyond 2 GiB
 * @throws DTypeError for weights beyond f16, if half weights are asked for
 * @throws MissingPackageError if the package that knows the format is not installed
 */
export async function exportOnnx(model: ExportedModel, options: ExportOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { inputShape, inputType = 'f32', foldBatchNorm = false } = options;
  const state = model instanceof Module ? tensorsOf(model) : new Map<string, Tensor>();
  const gpu = options.gpu ?? [...state.values()][0]?.gpu;
  if (!gpu) throw new OnnxExportError('exportOnnx: gpu must name the device of a model without parameters.');
  const call = model instanceof Module ? (input: Tensor) => model.call(input) : model;
  const traced = await inEvaluation(model, () => traceModel({ gpu, call, state }, inputShape, inputType));
  const plain = { trace: traced, state: await readState(traced, state) };
  const { trace, state: values } = foldBatchNorm ? foldBatchNorms(plain.trace, plain.state) : plain;
  return encodeOnnx(new Exporter(trace, values, options).model());
}

/** Entries that are tensors: counts of batches have no place in a graph. */
function tensorsOf(model: Module): Map<string, Tensor> {
  const state = new Map<string, Tensor>();
  for (const [name, entry] of model.stateDict()) if (entry instanceof Tensor) state.set(name, entry);
  const half = [...state].find(([, { dtype }]) => dtype === 'f16');
  if (!half) return state;
  throw new OnnxExportError(
    `${half[0]} is stored in half precision. Export the network before half(), and ask for half weights.`,
  );
}

/** Each module goes back to its own mode afterwards. */
async function inEvaluation<T>(model: ExportedModel, run: () => Promise<T>): Promise<T> {
  if (!(model instanceof Module)) return run();
  const modes = Array.from(model.namedModules(), ([, module]) => ({ module, training: module.training }));
  model.eval();
  try {
    return await run();
  } finally {
    // Parents come before their children, and set them too.
    for (const { module, training } of modes) module.train(training);
  }
}

/** The values of the entries that the ops take. */
async function readState({ operations, output }: Trace, state: ReadonlyMap<string, Tensor>): Promise<HostState> {
  const names = new Set<string>();
  for (const source of [...operations.flatMap(({ inputs }) => [...inputs.values()]), output]) {
    if (typeof source === 'object' && source.kind === 'state') names.add(source.name);
  }
  const reading = Array.from(names, async (name) => {
    const tensor = state.get(name)!;
    return [name, { shape: tensor.shape, data: (await tensor.data()) as Float32Array<ArrayBuffer> }] as const;
  });
  return new Map(await Promise.all(reading));
}

/** Writes one graph. */
class Exporter {
  readonly #trace: Trace;
  readonly #state: HostState;
  readonly #options: ExportOptions;
  readonly #graph: GraphBuilder;
  /** The input as the network takes it. */
  readonly #input: Operand;
  readonly #fileInput: OnnxValue;
  readonly #results = new Map<number, Operand>();
  readonly #constants = new Map<number, Operand>();
  /** Entries in f16, as the f32 that they are computed with. */
  readonly #halves = new Map<string, Operand>();

  constructor(trace: Trace, state: HostState, options: ExportOptions) {
    this.#trace = trace;
    this.#state = state;
    this.#options = options;
    const { inputName = 'input', inputType = 'f32', inputShape } = options;
    const networkType = inputType === 'f32' ? 'f32' : 'i64';
    const type: OnnxType = options.preprocess?.type ?? networkType;
    this.#fileInput = { name: inputName, type, shape: ['batch', ...inputShape] };
    this.#graph = new GraphBuilder({ name: inputName, type });
    const raw: GraphValue = { name: inputName, type };
    const input = options.preprocess ? preprocess(raw, options.preprocess, this.#graph) : raw;
    this.#input = { ...input, dims: [{ times: 1, plus: 0 }, ...inputShape.map(fixed)] };
  }

  model(): OnnxModel {
    const { outputName = 'output', probabilities = false, metadata = {} } = this.#options;
    for (const operation of this.#trace.operations) this.#results.set(operation.index, this.#convert(operation));
    const result = this.#operand(this.#trace.output);
    const shape = shapeOf(result.dims);
    const scores = this.#graph.output(result, outputName);
    const outputs: OnnxValue[] = [{ ...scores, shape }];
    if (probabilities) {
      const shares = this.#graph.node('Softmax', [scores], { axis: int(-1) });
      outputs.push({ ...this.#graph.output(shares, 'probabilities'), shape });
    }
    this.#checkNames(outputs);
    this.#checkSize();
    const { nodes, initializers } = this.#graph;
    return {
      graph: { name: 'dawngrad', nodes, initializers, inputs: [this.#fileInput], outputs },
      opset: OPSET,
      irVersion: IR_VERSION,
      producer: 'dawngrad',
      producerVersion: '',
      metadata: new Map(Object.entries(metadata)),
    };
  }

  #convert({ name, inputs, options, dims }: TracedOp): Operand {
    const own = this.#options.ops;
    const custom = own && Object.hasOwn(own, name) ? own[name] : undefined;
    const known = options && Object.hasOwn(OPS, name) ? OPS[name] : undefined;
    const write = custom ?? known;
    if (!write) throw noCounterpart(name);
    const operands = Array.from(inputs, ([input, source]) => [input, this.#operand(source)] as const);
    const value = write(new ExportedOp(name, new Map(operands), options ?? {}, dims), this.#graph);
    return { ...value, dims };
  }

  #operand(source: Source | number): Operand {
    if (typeof source === 'number') return { ...this.#graph.floats(source), dims: [] };
    switch (source.kind) {
      case 'input':
        return this.#input;
      case 'result':
        return this.#results.get(source.index)!;
      case 'state':
        return this.#stateOperand(source.name);
      case 'constant': {
        const known = this.#constants.get(source.index);
        if (known) return known;
        const constant = this.#trace.constants[source.index]!;
        const operand = { ...this.#constant(constant), dims: constant.shape.map(fixed) };
        this.#constants.set(source.index, operand);
        return operand;
      }
    }
  }

  #stateOperand(name: string): Operand {
    const { shape, data } = this.#state.get(name)!;
    const dims = shape.map(fixed);
    // What `Module.half` converts: biases and statistics are small, and count.
    if (!this.#options.half || shape.length < 2) {
      return { ...this.#graph.initializer({ name, type: 'f32', shape, data }), dims };
    }
    const known = this.#halves.get(name);
    if (known) return known;
    const halves = this.#graph.initializer({ name, type: 'f16', shape, data: halvesOf(name, data) });
    const operand = { ...this.#graph.cast(halves, 'f32'), dims };
    this.#halves.set(name, operand);
    return operand;
  }

  #constant({ shape, dtype, bytes }: TracedConstant): GraphValue {
    if (dtype !== 'f32') {
      const values = dtype === 'u32' ? new Uint32Array(bytes) : new Int32Array(bytes);
      return this.#graph.integers([...values], shape);
    }
    return this.#graph.floats([...new Float32Array(bytes)], shape);
  }

  #checkNames(outputs: readonly OnnxValue[]): void {
    const names = [this.#fileInput.name, ...outputs.map(({ name }) => name)];
    const twice = names.find((name, i) => names.indexOf(name) !== i || this.#graph.initializers.has(name));
    if (twice === undefined) return;
    throw new OnnxExportError(`exportOnnx: two values would be called ${twice}. Give input and output other names.`);
  }

  #checkSize(): void {
    const bytes = [...this.#graph.initializers.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    if (bytes <= MOST_BYTES) return;
    throw new OnnxExportError(
      `exportOnnx: the weights take ${bytes} bytes, and one ONNX file at most ${MOST_BYTES}. Ask for half weights, or ` +
        'write safetensors.',
    );
  }
}

const shapeOf = (dims: Dims) => dims.map((extent) => (isFixed(extent) ? extent.plus : formatExtent(extent)));

function noCounterpart(name: string): OnnxExportError {
  return new OnnxExportError(
    `${name}: this op has no counterpart in ONNX that the export knows. Leave it out of the forward pass, or say how to ` +
      `write it: exportOnnx(model, { …, ops: { '${name}': (op, graph) => graph.node('Relu', [op.input('x')]) } }).`,
  );
}

/** Writes the nodes of an ONNX graph one after the other, and keeps its initialisers. */
import type { OnnxAttribute, OnnxNode, OnnxTensor, OnnxType } from '../types.ts';
import { type Dims, type Extent, isFixed } from './dims.ts';

/** A value of the graph. */
export interface GraphValue {
  readonly name: string;
  readonly type: OnnxType;
}

/** Attributes of a node: `{ axis: attribute.int(1) }`. */
export type Attributes = Readonly<Record<string, OnnxAttribute>>;

export const int = (value: number): OnnxAttribute => ({ type: 'int', value });
export const ints = (value: readonly number[]): OnnxAttribute => ({ type: 'ints', value });
export const float = (value: number): OnnxAttribute => ({ type: 'float', value });
export const text = (value: string): OnnxAttribute => ({ type: 'string', value });

/** Makes the attributes of a node: `attribute.int(1)`. */
export const attribute = { int, ints, float, text } as const;

/** Constants of up to this many values are kept once. */
const LARGEST_COMPARED = 64;

/** "To the end" of a dimension, for a slice. */
export const END = 2 ** 63;

/** The part of a graph that is written so far. */
export class GraphBuilder {
  #nodes: OnnxNode[] = [];
  readonly initializers = new Map<string, OnnxTensor>();
  /** The graph's input as the file takes it; its first extent is the batch. */
  readonly #input: GraphValue;
  readonly #counts = new Map<string, number>();
  readonly #constants = new Map<string, GraphValue>();
  #constantCount = 0;
  #batch: GraphValue | undefined;

  constructor(input: GraphValue) {
    this.#input = input;
  }

  /**
   * Adds a node with one output.
   * @param op ONNX's name: 'Conv'
   * @param inputs undefined stands for one that is left out
   * @param type of the output; by default that of the first input
   */
  node(
    op: string,
    inputs: readonly (GraphValue | undefined)[],
    attributes: Attributes = {},
    type: OnnxType = inputs[0]?.type ?? 'f32',
  ): GraphValue {
    const count = (this.#counts.get(op) ?? 0) + 1;
    this.#counts.set(op, count);
    // The stroke keeps them apart from names of a state dict.
    const name = `/${op}_${count}`;
    const given = inputs.slice(0, 1 + inputs.findLastIndex((input) => input !== undefined));
    this.#nodes.push({
      ...{ name, op, domain: '', outputs: [name] },
      inputs: given.map((input) => input?.name ?? ''),
      attributes: new Map(Object.entries(attributes)),
    });
    return { name, type };
  }

  /** The nodes so far, each after those whose results it takes. */
  get nodes(): readonly OnnxNode[] {
    return this.#nodes;
  }

  /** Gives a value the name of an output. What is the result of no node, or has such a name already, is copied to it. */
  output({ name, type }: GraphValue, outputName: string): GraphValue {
    const isResult = name.startsWith('/') && this.#nodes.some(({ outputs }) => outputs.includes(name));
    if (isResult) {
      const renamed = (names: readonly string[]) => names.map((one) => (one === name ? outputName : one));
      this.#nodes = this.#nodes.map((node) => ({
        ...{ ...node, inputs: renamed(node.inputs), outputs: renamed(node.outputs) },
      }));
    } else {
      const attributes = new Map();
      const copy = { name: `/${outputName}`, op: 'Identity', domain: '', attributes };
      this.#nodes.push({ ...copy, inputs: [name], outputs: [outputName] });
    }
    return { name: outputName, type };
  }

  /** Keeps a tensor under a name of the graph, unless it is there. */
  initializer(tensor: OnnxTensor): GraphValue {
    const { name, type } = tensor;
    if (!this.initializers.has(name)) this.initializers.set(name, tensor);
    return { name, type };
  }

  /** A constant of 32-bit floats; a number alone is one value, of shape []. Equal ones are kept once. */
  floats(values: number | readonly number[], shape: readonly number[] = []): GraphValue {
    const data = Float32Array.from(typeof values === 'number' ? [values] : values);
    return this.#constant('f32', shape, data);
  }

  /** A list of whole numbers. `END` stands for the end of a dimension. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): GraphValue {
    // The largest that 64 bits hold.
    const data = BigInt64Array.from(values, (value) => (value >= END ? 2n ** 63n - 1n : BigInt(value)));
    return this.#constant('i64', shape, data);
  }

  /** The value in another type; itself if it has it. */
  cast(value: GraphValue, type: 'f32' | 'i64' | 'bool'): GraphValue {
    const numbers = { f32: 1, i64: 7, bool: 9 };
    return value.type === type ? value : this.node('Cast', [value], { to: int(numbers[type]) }, type);
  }

  /** A shape as a list of whole numbers, computed from the input's where it depends on the batch. */
  shape(dims: Dims): GraphValue {
    if (dims.every(isFixed)) return this.integers(dims.map(({ plus }) => plus));
    const parts = dims.map((extent) => this.#extent(extent));
    return parts.length === 1 ? parts[0]! : this.node('Concat', parts, { axis: int(0) });
  }

  /** The value in another shape with as many elements. */
  reshape(value: GraphValue, dims: Dims): GraphValue {
    const free = dims.filter((extent) => !isFixed(extent)).length;
    const empty = dims.some(({ times, plus }) => times === 0 && plus === 0);
    // −1 is the extent that fits, which nobody can tell of a tensor without values.
    const target =
      free <= 1 && !empty
        ? this.integers(dims.map((extent) => (isFixed(extent) ? extent.plus : -1)))
        : this.shape(dims);
    return this.node('Reshape', [value, target], empty ? { allowzero: int(1) } : {});
  }

  #extent({ times, plus }: Extent): GraphValue {
    if (times === 0) return this.integers([plus]);
    this.#batch ??= this.node(
      'Gather',
      [this.node('Shape', [this.#input], {}, 'i64'), this.integers([0])],
      { axis: int(0) },
      'i64',
    );
    const multiple = times === 1 ? this.#batch : this.node('Mul', [this.#batch, this.integers([times])]);
    return plus === 0 ? multiple : this.node('Add', [multiple, this.integers([plus])]);
  }

  #constant(type: 'f32', shape: readonly number[], data: Float32Array<ArrayBuffer>): GraphValue;
  #constant(type: 'i64', shape: readonly number[], data: BigInt64Array<ArrayBuffer>): GraphValue;
  #constant(type: 'f32' | 'i64', shape: readonly number[], data: unknown): GraphValue {
    const values = data as Float32Array;
    // Tables are not compared.
    const key = values.length <= LARGEST_COMPARED ? `${type} ${shape.join()} ${values.join()}` : undefined;
    const known = key === undefined ? undefined : this.#constants.get(key);
    if (known) return known;
    this.#constantCount++;
    const value = this.initializer({ name: `/constant_${this.#constantCount}`, type, shape, data } as OnnxTensor);
    if (key !== undefined) this.#constants.set(key, value);
    return value;
  }
}

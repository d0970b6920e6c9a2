/** The network of an ONNX file: its graph run by our ops, its tensors under the file's names. */
import { type DType, keep, noGrad, permute, type RandomWords, ShapeError, scope, Tensor } from '../autograd/index.ts';
import { DawngradError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { Classifier } from '../models/classifier.ts';
import { maskSource } from '../models/features-classifier.ts';
import { type AnyModule, Linear, Module } from '../nn/index.ts';
import type { Init } from '../nn/init.ts';
import { type GraphRun, NotExpressible, type Value } from './call.ts';
import { type Cut, independentOf } from './cuts.ts';
import type { NetworkGraph } from './graph.ts';
import { type HostTensor, toHost } from './host-tensor.ts';
import { runNode } from './op-table.ts';
import { nodeTitle } from './parts.ts';
import type { OnnxNode } from './types.ts';

/** A graph of an ONNX file cannot be computed here. */
export class OnnxError extends DawngradError {
  override name = 'OnnxError';
}

/** Owns tensors and modules under one part of their names. */
class Scope extends Module<never, never> {
  override forward(): never {
    throw new OnnxError('A part of an ONNX graph cannot be called by itself.');
  }

  parameter(name: string, tensor: Tensor): Tensor {
    return this.registerParameter(name, tensor);
  }

  buffer(name: string, tensor: Tensor): Tensor {
    return this.registerBuffer(name, tensor);
  }

  module<T extends AnyModule>(name: string, module: T): T {
    return this.registerModule(name, module);
  }

  /** The scope of this name in this one. */
  inner(name: string): Scope {
    return (this.children.get(name) as Scope | undefined) ?? this.module(name, new Scope());
  }
}

/** The parameters of a block, for freezing: modules and blocks divide a graph differently. */
class Block extends Module<never, never> {
  readonly #parameters: ReadonlyMap<string, Tensor>;

  constructor(parameters: ReadonlyMap<string, Tensor>) {
    super();
    this.#parameters = parameters;
  }

  override *namedParameters(): Generator<[name: string, parameter: Tensor]> {
    yield* this.#parameters;
  }

  override forward(): never {
    throw new OnnxError('A block of an ONNX graph cannot be called by itself.');
  }
}

/** A shape of images, and the cut behind which their places are gone. */
interface Probed {
  readonly images: string;
  readonly cut: Cut | undefined;
}

/**
 * Images [N, 3, H, W], normalised, to scores [N, classes]. In training mode batch norms normalise by the batch and move their
 * statistics, and dropout drops, whatever mode the file was written in.
 */
export class OnnxNetwork extends Classifier {
  readonly featureSize: number;
  readonly headName: string;
  readonly #gpu: Gpu;
  readonly #graph: NetworkGraph;
  readonly #scopes = new Scope();
  /** By the names of values. */
  readonly #tensors = new Map<string, Tensor>();
  readonly #constants: ReadonlyMap<string, HostTensor>;
  /** The tensors made of each constant. */
  readonly #uploads: ReadonlyMap<HostTensor, Map<DType, Tensor<DType>>>;
  readonly #blocks: ReadonlyMap<string, readonly AnyModule[]>;
  readonly #independent: ReadonlySet<OnnxNode>;
  readonly #random: RandomWords;
  #probed: Probed | undefined;

  /** @param options the source of the last layer and of dropout's masks; all other tensors are zeros, to be loaded */
  constructor(gpu: Gpu, graph: NetworkGraph, options: Init & { readonly classes?: number }) {
    super();
    const { head } = graph;
    const { classes = head.outputs, ...init } = options;
    this.featureSize = head.featureSize;
    this.headName = head.name;
    this.#gpu = gpu;
    this.#graph = graph;
    this.#random = maskSource(init);
    this.#constants = new Map([...graph.constants].map(([name, tensor]) => [name, toHost(tensor)]));
    this.#uploads = new Map([...this.#constants.values()].map((value) => [value, new Map()]));
    this.#independent = independentOf(graph.nodes, graph.image.name);
    for (const [value, entry] of graph.entries) this.#own(value, entry.name, entry.kind, entry.shape);
    this.#putHead(new Linear(gpu, head.featureSize, classes, init));
    for (const [name, module] of this.#scopes.children) this.registerModule(name, module);
    this.#blocks = new Map(
      [...graph.blocks].map(([name, values]) => [name, name === head.name ? [] : [this.#block(values)]]),
    );
  }

  override get blocks(): ReadonlyMap<string, readonly AnyModule[]> {
    return new Map([...this.#blocks, [this.headName, [this.head]]]);
  }

  override get head(): Module {
    return super.head;
  }

  override set head(module: Module) {
    if (module === this.head) return;
    this.head.dispose();
    this.#putHead(module);
    const [first = ''] = this.headName.split('.');
    this.registerModule(first, this.#scopes.children.get(first)!);
  }

  /** Networks of ONNX files stay in single precision. @throws OnnxError */
  protected override halve(): void {
    throw new OnnxError('The network of an ONNX file has no half precision here. Leave --half (or `half`) out.');
  }

  override features(images: Tensor): Tensor {
    return this.#compute(this.#given(images), 0, this.#graph.head.input);
  }

  protected override trunk() {
    return [
      (images: Tensor) => {
        const cut = this.#cutOf(images);
        return cut ? this.#compute(this.#given(images), 0, cut.value, cut.after) : images;
      },
    ];
  }

  protected override neck() {
    return [
      (maps: Tensor) => {
        const cut = this.#probed?.cut;
        const given = cut ? new Map([[cut.value, maps]]) : this.#given(maps);
        return this.#compute(given, cut?.after ?? 0, this.#graph.head.input);
      },
    ];
  }

  override dispose(): void {
    super.dispose();
    for (const made of this.#uploads.values()) {
      for (const tensor of made.values()) tensor.dispose();
      made.clear();
    }
  }

  #own(value: string, name: string, kind: 'parameter' | 'buffer', shape: readonly number[]): void {
    const path = name.split('.');
    const last = path.pop()!;
    const tensor = Tensor.zeros(this.#gpu, shape);
    // Names without dots are the network's own.
    const owner = path.length === 0 ? undefined : path.reduce((scopes, part) => scopes.inner(part), this.#scopes);
    if (kind === 'buffer')
      this.#tensors.set(value, owner ? owner.buffer(last, tensor) : this.registerBuffer(last, tensor));
    else this.#tensors.set(value, owner ? owner.parameter(last, tensor) : this.registerParameter(last, tensor));
  }

  #putHead(module: Module): void {
    const path = this.headName.split('.');
    const last = path.pop()!;
    path.reduce((scopes, part) => scopes.inner(part), this.#scopes).module(last, module);
  }

  #block(values: readonly string[]): Block {
    const { entries } = this.#graph;
    const learning = values.filter((value) => entries.get(value)!.kind === 'parameter');
    return new Block(new Map(learning.map((value) => [entries.get(value)!.name, this.#tensors.get(value)!])));
  }

  #given(images: Tensor): Map<string, Value> {
    const { name, channelsLast } = this.#graph.image;
    return new Map([[name, channelsLast ? permute(images, [0, 2, 3, 1]) : images]]);
  }

  /**
   * The last cut at which there are still places, for images of this shape. Found by computing them once.
   */
  #cutOf(images: Tensor): Cut | undefined {
    const shape = images.shape.slice(2).join();
    if (this.#probed?.images === shape) return this.#probed.cut;
    let found: Cut | undefined;
    noGrad(() =>
      scope(() => {
        this.#compute(this.#given(images), 0, this.#graph.head.input, undefined, (cut, { shape: [, , ...places] }) => {
          if (places.length === 2 && places.every((extent) => extent > 1)) found = cut;
        });
      }),
    );
    this.#probed = { images: shape, cut: found };
    return found;
  }

  /**
   * Runs the nodes from one on, and of those before it what no picture decides. Frees each value after its last use.
   * @param onCut called with each cut's value
   */
  #compute(
    given: Map<string, Value>,
    from: number,
    wanted: string,
    to = this.#graph.nodes.length,
    onCut?: (cut: Cut, value: Tensor) => void,
  ): Tensor {
    const { nodes, image, opset, cuts } = this.#graph;
    const [first] = given.values();
    const run: GraphRun = {
      ...{ gpu: this.#gpu, version: opset, training: this.training, random: this.#random },
      uploads: { get: (value, dtype, make) => this.#upload(value, dtype, make) },
      batch: { size: (first as Tensor).shape[0]!, declared: image.batch },
    };
    const planned = nodes.slice(0, to).filter((node, i) => i >= from || this.#independent.has(node));
    const values = new Live([...this.#tensors, ...this.#constants, ...given], planned, wanted);
    const cutAfter = new Map(onCut && cuts.map((cut) => [nodes[cut.after - 1], cut]));
    for (const node of planned) {
      values.give(
        node,
        computed(
          node,
          node.inputs.map((name) => values.get(name)),
          run,
        ),
      );
      const cut = cutAfter.get(node);
      if (cut) onCut?.(cut, values.get(cut.value) as Tensor);
      values.free(node);
    }
    const result = values.get(wanted);
    if (result instanceof Tensor) return result as Tensor;
    throw new OnnxError(`The value "${wanted}" of the ONNX graph is not computed on the device.`);
  }

  /** Constants are uploaded once; what a pass computes on the host, for that pass. */
  #upload(value: HostTensor, dtype: DType, make: () => Tensor<DType>): Tensor<DType> {
    const made = this.#uploads.get(value);
    if (!made) return make();
    const tensor = made.get(dtype) ?? keep(make());
    made.set(dtype, tensor);
    return tensor;
  }
}

/** The values of a pass, each freed after its last use. */
class Live {
  readonly #values: Map<string, Value>;
  readonly #uses = new Map<string, number>();
  readonly #made = new Set<Value>();

  constructor(values: Iterable<readonly [string, Value]>, nodes: readonly OnnxNode[], wanted: string) {
    this.#values = new Map(values);
    for (const { inputs } of nodes) for (const name of inputs) this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1);
    this.#uses.set(wanted, Number.POSITIVE_INFINITY);
  }

  get(name: string): Value | undefined {
    return name === '' ? undefined : this.#values.get(name);
  }

  give({ outputs }: OnnxNode, results: readonly Value[]): void {
    const known = new Set(this.#values.values());
    for (const [i, value] of results.entries()) {
      const name = outputs[i];
      if (!name) continue;
      if (value instanceof Tensor && !known.has(value)) this.#made.add(value);
      this.#values.set(name, value);
    }
  }

  free({ inputs, outputs }: OnnxNode): void {
    for (const name of inputs) this.#uses.set(name, this.#uses.get(name)! - 1);
    for (const name of [...inputs, ...outputs]) if (!((this.#uses.get(name) ?? 0) > 0)) this.#drop(name);
  }

  #drop(name: string): void {
    const value = this.#values.get(name);
    this.#values.delete(name);
    if (!value || !this.#made.has(value)) return;
    // An op may return its input, which then has two names.
    if ([...this.#values.values()].includes(value)) return;
    this.#made.delete(value);
    (value as Tensor<DType>).dispose();
  }
}

/** The results of a node. Errors name it. */
function computed(node: OnnxNode, inputs: readonly (Value | undefined)[], run: GraphRun): readonly Value[] {
  try {
    let results: readonly Value[] = [];
    scope(() => {
      results = runNode(node, inputs, run);
      return results.filter((value) => value instanceof Tensor);
    });
    return results;
  } catch (error) {
    if (error instanceof ShapeError) throw new ShapeError(`${nodeTitle(node)}: ${error.message}`, { cause: error });
    if (!(error instanceof NotExpressible)) throw error;
    throw new OnnxError(`The ONNX graph's ${nodeTitle(node)} cannot be computed here: ${error.message}.`, {
      cause: error,
    });
  }
}

/**
 * Module: a part of a network. It owns parameters (trained), buffers (saved but not trained) and other modules, all
 * under PyTorch's names. So a state dict of one fits the other.
 *
 * A subclass registers what it owns in its constructor and computes in `forward`. Callers run it by `call`.
 */
import { DTypeError, OptionError } from '../autograd/errors.ts';
import { noGrad } from '../autograd/graph.ts';
import { toDType } from '../autograd/ops/to-dtype.ts';
import { flag } from '../autograd/options.ts';
import { keep, scope } from '../autograd/scope.ts';
import { Tensor } from '../autograd/tensor.ts';
import {
  type Counter,
  type ExportedEntry,
  type LoadOptions,
  type LoadReport,
  loadState,
  readState,
  type StateDict,
  type StateEntry,
} from './state-dict.ts';

/** A module of any inputs and outputs. */
export type AnyModule = Module<never, unknown>;

/**
 * Base class of layers and networks. A subclass registers its parameters, buffers and modules in its constructor, and
 * computes in `forward`: one tensor from one, unless it says otherwise, as in
 * `class Attention extends Module<[query: Tensor, memory: Tensor]>`. Whatever `scope` can return may be the output.
 */
export abstract class Module<Inputs extends readonly unknown[] = [input: Tensor], Output = Tensor> {
  readonly #parameters = new Map<string, Tensor>();
  readonly #buffers = new Map<string, Tensor | Counter>();
  readonly #children = new Map<string, AnyModule>();
  #training = true;
  #half = false;

  /** The module's computation. Run it through `call`, which frees its intermediates. */
  abstract forward(...inputs: Inputs): Output;

  /**
   * Runs the module. Afterwards it frees every tensor made on the way, except the result and the tensors that the graph
   * keeps for backward. The result belongs to the caller, or to the scope around the call.
   */
  call(...inputs: Inputs): Output {
    return scope(() => this.forward(...inputs));
  }

  /** True in training mode, the initial mode. Batch norms behave differently in the two modes. */
  get training(): boolean {
    return this.#training;
  }

  /**
   * Puts this module and all its descendants in training mode, or with `false` in evaluation mode.
   * @throws DTypeError if one of them is stored in half precision (see `half`)
   */
  train(mode = true): this {
    flag('train()', 'mode', mode);
    for (const [name, module] of this.namedModules()) {
      if (!mode || !module.#half) continue;
      throw new DTypeError(
        `train(): the weights${name && ` of ${name}`} are stored in f16, which is for inference. Build the network anew and ` +
          'load its weights to train it.',
      );
    }
    for (const [, module] of this.namedModules()) module.#training = mode;
    return this;
  }

  /** Puts this module and all its descendants in evaluation mode. */
  eval(): this {
    return this.train(false);
  }

  /**
   * Stores the weights of all convolutions and linear layers in this module in f16, for inference. The weights and the
   * activations between them take half the memory. Kernels still compute in f32. Biases and batch norms stay unchanged.
   *
   * This cannot be undone: the f32 weights are freed, the module is in evaluation mode, requires no gradients and
   * cannot be trained any more. A `Classifier` still takes f32 images and returns f32 scores. Other modules take inputs that
   * `toDType` converted.
   * @throws MissingFeatureError if the device was opened without half precision
   */
  half(): this {
    for (const [, module] of this.namedModules()) module.halve();
    for (const [, module] of this.namedModules()) module.#half = true;
    return this.eval().freeze();
  }

  /**
   * Excludes every parameter of this module from training and drops its gradient: no backward kernel runs for it and no
   * optimizer updates it. Batch norms in training mode still update their running statistics. `freeze(false)` undoes
   * it.
   */
  freeze(frozen = true): this {
    flag('freeze()', 'frozen', frozen);
    for (const parameter of this.parameters()) {
      parameter.requiresGrad = !frozen;
      if (frozen) parameter.zeroGrad();
    }
    return this;
  }

  /** The direct children of this module, by name, in order of registration. */
  get children(): ReadonlyMap<string, AnyModule> {
    return this.#children;
  }

  /**
   * This module (under the name `prefix`) and all its descendants, parents before children: torch's `named_modules()`.
   * @throws OptionError if a public field of one holds a module, or a tensor that requires a gradient, which is not
   *   registered: it would be neither trained nor saved
   */
  *namedModules(prefix = ''): Generator<[name: string, module: AnyModule]> {
    this.#checkFields();
    yield [prefix, this];
    for (const [name, child] of this.#children) yield* child.namedModules(join(prefix, name));
  }

  /** Every parameter of this module and its descendants, named like `layer1.0.conv1.weight`, in torch's order. */
  *namedParameters(): Generator<[name: string, parameter: Tensor]> {
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, parameter] of module.#parameters) yield [join(prefix, name), parameter];
    }
  }

  /** Every parameter, in the order of `namedParameters`. */
  parameters(): Tensor[] {
    return Array.from(this.namedParameters(), ([, parameter]) => parameter);
  }

  /** Every buffer of this module and its descendants, named like `bn1.running_mean`, in torch's order. */
  *namedBuffers(): Generator<[name: string, buffer: Tensor | Counter]> {
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, buffer] of module.#buffers) yield [join(prefix, name), buffer];
    }
  }

  /** Parameters and buffers under torch's names and in torch's order. The entries are the module's own, not copies. */
  stateDict(): StateDict {
    const state = new Map<string, StateEntry>();
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, entry] of [...module.#parameters, ...module.#buffers]) state.set(join(prefix, name), entry);
    }
    return state;
  }

  /**
   * Copies the entries into parameters and buffers of the same name. See `loadState` for the options.
   * @throws StateDictError, listing every mismatch, before anything is loaded
   */
  loadStateDict(entries: Parameters<typeof loadState>[1], options: LoadOptions = {}): LoadReport {
    return loadState(this.stateDict(), entries, options);
  }

  /** The state dict's values on the host, after everything recorded so far. */
  exportState(): Promise<Map<string, ExportedEntry>> {
    return readState(this.stateDict());
  }

  /** Frees the parameters, their gradients and the buffers of this module and its descendants. */
  dispose(): void {
    for (const entry of this.stateDict().values()) if ('dispose' in entry) entry.dispose();
  }

  /** Makes `tensor` a parameter of this module: it requires gradients and lives until the module is disposed. */
  protected registerParameter(name: string, tensor: Tensor): Tensor {
    this.#checkName(name);
    tensor.requiresGrad = true;
    this.#parameters.set(name, keep(tensor));
    return tensor;
  }

  /** The effect of `half` on this module alone: nothing, unless it has weights that can be f16. */
  protected halve(): void {}

  /**
   * Replaces a parameter by an f16 copy and disposes it. Returns the copy; if the parameter is f16 already, the
   * parameter itself.
   */
  protected halved(name: string): Tensor {
    const parameter = this.#parameters.get(name)!;
    if (parameter.dtype === 'f16') return parameter;
    const half = keep(noGrad(() => toDType(parameter, 'f16')));
    this.#parameters.set(name, half);
    parameter.dispose();
    return half;
  }

  /** Makes `buffer` part of this module's state: saved and loaded with it, never trained. */
  protected registerBuffer<T extends Tensor | Counter>(name: string, buffer: T): T {
    this.#checkName(name);
    this.#buffers.set(name, 'dispose' in buffer ? (keep(buffer) as T) : buffer);
    return buffer;
  }

  /** Makes `module` a child of this one. If a child has that name, `module` takes its place in the order. */
  protected registerModule<T extends AnyModule>(name: string, module: T): T {
    if (!this.#children.has(name)) this.#checkName(name);
    this.#children.set(name, module);
    return module;
  }

  #checkFields(): void {
    const known = new Set<unknown>([
      ...this.#children.values(),
      ...this.#parameters.values(),
      ...this.#buffers.values(),
    ]);
    for (const [field, value] of Object.entries(this)) {
      for (const part of partsOf(value)) {
        const [isModule, isTensor] = [part instanceof Module, part instanceof Tensor && part.requiresGrad];
        if (!(isModule || isTensor) || known.has(part)) continue;
        const register = isModule ? 'registerModule' : 'registerParameter';
        const call =
          part === value ? `this.${register}('${field}', …)` : `a list of this.${register}('${field}0', …), …`;
        throw new OptionError(
          `${this.constructor.name}: the ${isModule ? 'module' : 'parameter'} in its field ${field} is not registered, so it would ` +
            `be neither trained nor saved. Write this.${field} = ${call}, or use a private #field.`,
        );
      }
    }
  }

  #checkName(name: string): void {
    if (name === '' || name.includes('.')) {
      throw new RangeError(`A name in a module must be non-empty and without dots, got "${name}".`);
    }
    if (this.#parameters.has(name) || this.#buffers.has(name) || this.#children.has(name)) {
      throw new RangeError(`This module already has an entry called "${name}". Choose another name.`);
    }
  }
}

/** The value itself, or what a list, a map or a plain object holds. */
function partsOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value.values()];
  const plain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return plain ? Object.values(value) : [value];
}

function join(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}.${name}`;
}

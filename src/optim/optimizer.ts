/** What all optimizers share: groups of parameters, their settings, and a saved state. */
import { expectDType, expectUsable, OptionError } from '../autograd/errors.ts';
import { checkNames } from '../autograd/options.ts';
import { keep } from '../autograd/scope.ts';
import { Tensor } from '../autograd/tensor.ts';
import { type HostEntry, loadState } from '../nn/index.ts';
import { given, groupsOf, type OptimizedParameters, type ParameterGroup, settingsOf } from './groups.ts';
import { expectType, type SavedValue, type SavedValues, savedCount } from './saved-values.ts';

/** The state of an optimizer: plain values, and tensors on the device. */
export interface OptimizerState<Entry = Tensor> {
  readonly values: SavedValues;
  readonly tensors: ReadonlyMap<string, Entry>;
}

/** What an optimizer keeps for a parameter that has made a step. */
export interface ParameterState {
  /** Steps of this parameter, the present one included. */
  steps: number;
  /** Tensors of the parameter's shape, by their names in torch: `momentum_buffer`. */
  readonly tensors: Map<string, Tensor>;
}

/** A kind of optimizer, as data. */
export interface OptimizerKind<Settings extends object> {
  /** Its name in errors and in saved states. */
  readonly type: string;
  /** Every setting of a group. */
  readonly names: Readonly<Record<keyof Settings, true>>;
  /** The tensors that it may keep for each parameter. */
  readonly tensors: readonly string[];
  /** Whether it saves the number of steps of each parameter; then each that has made one has all tensors. */
  readonly counts: boolean;
  /** @throws OptionError for an invalid setting; `owner` begins the message */
  check(owner: string, settings: Settings): void;
}

/**
 * Updates parameters by their gradients. Each group of parameters has settings of its own, as in torch; change them by
 * `groups`, or for all groups at once by the optimizer's properties of the same names.
 */
export abstract class Optimizer<Settings extends { lr: number } = { lr: number }> {
  /** The groups in the order given. Their settings may change at any time and are checked by the next step. */
  readonly groups: readonly ParameterGroup<Settings>[];
  readonly #kind: OptimizerKind<Settings>;
  readonly #states = new Map<Tensor, ParameterState>();

  /** @param defaults settings of the groups that have none of their own */
  protected constructor(
    kind: OptimizerKind<Settings>,
    parameters: OptimizedParameters<Settings>,
    options: Partial<Settings>,
    defaults: Partial<Settings>,
  ) {
    const { type, names } = kind;
    checkNames(type, options, names as Readonly<Record<keyof Partial<Settings>, true>>);
    this.#kind = kind;
    this.groups = groupsOf(type, names, parameters, { ...defaults, ...given(options) });
    const all = this.#parameters();
    if (new Set(all).size < all.length) {
      throw new OptionError(`${type}: a parameter was given twice, so each step would update it twice. Give it once.`);
    }
    for (const [i, parameter] of all.entries()) {
      expectDType(type, `parameter ${i}`, parameter, 'f32');
      if (!parameter.holdings.graph) continue;
      throw new OptionError(
        `${type}: parameter ${i} is a result of ${parameter.holdings.label}, which gets no gradient of its own. Give the leaves.`,
      );
    }
    this.#check();
  }

  /**
   * Learning rate of the next step. Setting it sets that of every group.
   * @throws OptionError if it is read while the groups have different ones
   */
  get lr(): number {
    return this.shared('lr');
  }

  set lr(value: number) {
    this.share('lr', value);
  }

  /**
   * Updates every parameter that has a gradient. If it throws, it has updated none.
   * @throws OptionError if a setting was changed to an invalid value
   * @throws DisposedTensorError for a disposed parameter or gradient
   */
  step(): void {
    const { type } = this.#kind;
    this.#check();
    for (const [i, parameter] of this.#parameters().entries()) {
      const { grad } = parameter;
      const used = { [`parameter ${i}`]: parameter };
      expectUsable(type, grad ? { ...used, [`the gradient of parameter ${i}`]: grad } : used);
    }
    for (const group of this.groups) {
      for (const parameter of group.parameters) {
        if (!parameter.grad) continue;
        let state = this.#states.get(parameter);
        if (!state) {
          state = { steps: 0, tensors: new Map() };
          this.#states.set(parameter, state);
        }
        state.steps++;
        this.update(parameter, parameter.grad, group, state);
      }
    }
  }

  /** Drops every gradient. */
  zeroGrad(): void {
    for (const parameter of this.#parameters()) parameter.zeroGrad();
  }

  /**
   * The settings, and the tensors of each parameter that has made a step: `0.momentum_buffer` is of the first
   * parameter. Parameters are counted over all groups. The tensors are the optimizer's own.
   */
  stateDict(): OptimizerState {
    const { type, names, counts } = this.#kind;
    const all = this.#parameters();
    const tensors = new Map<string, Tensor>();
    for (const [i, parameter] of all.entries()) {
      for (const [name, tensor] of this.#states.get(parameter)?.tensors ?? []) tensors.set(`${i}.${name}`, tensor);
    }
    const groups = this.groups.map((group) => settingsOf(group, names) as unknown as Record<string, SavedValue>);
    // A version without groups refuses a state with several: it misses the settings.
    const settings =
      groups.length === 1
        ? groups[0]!
        : { groups: groups.map((one, i) => ({ ...one, parameters: this.groups[i]!.parameters.length })) };
    const steps = counts ? { steps: all.map((parameter) => this.#states.get(parameter)?.steps ?? 0) } : {};
    return { values: { type, ...settings, parameters: all.length, ...steps }, tensors };
  }

  /**
   * Goes on from a state of `stateDict` with the same parameters in the same groups; as in torch, its settings replace
   * these.
   * @throws OptionError for a state of another optimizer, of other groups or numbers of parameters, or with invalid
   *   settings
   * @throws StateDictError if a tensor does not fit its parameter; nothing was changed
   */
  loadStateDict({ values, tensors }: OptimizerState<HostEntry>): void {
    const settings = this.#savedSettings(values);
    const steps = this.#savedSteps(values);
    const states = new Map<Tensor, ParameterState>();
    const targets = new Map<string, Tensor>();
    for (const [i, parameter] of this.#parameters().entries()) {
      const isKept = (name: string) => (steps ? steps[i]! > 0 : tensors.has(`${i}.${name}`));
      const kept = this.#kind.tensors.filter(isKept);
      if (kept.length === 0) continue;
      const made = kept.map((name) => [name, keep(Tensor.empty(parameter.gpu, parameter.shape))] as const);
      states.set(parameter, { steps: steps?.[i] ?? 1, tensors: new Map(made) });
      for (const [name, tensor] of made) targets.set(`${i}.${name}`, tensor);
    }
    try {
      loadState(targets, tensors);
    } catch (error) {
      for (const tensor of targets.values()) tensor.dispose();
      throw error;
    }
    this.dispose();
    for (const [parameter, state] of states) this.#states.set(parameter, state);
    for (const [i, group] of this.groups.entries()) Object.assign(group, settings[i]);
  }

  /** Frees what the optimizer keeps for its parameters; the parameters stay. */
  dispose(): void {
    for (const { tensors } of this.#states.values()) for (const tensor of tensors.values()) tensor.dispose();
    this.#states.clear();
  }

  /** Records one step of one parameter. It adds to `state.tensors` what later steps need. */
  protected abstract update(parameter: Tensor, grad: Tensor, settings: Settings, state: ParameterState): void;

  /** A setting that all groups share. @throws OptionError if they do not */
  protected shared<Name extends keyof Settings>(name: Name): Settings[Name] {
    const [value, ...others] = this.groups.map((group) => group[name]);
    const text = JSON.stringify(value);
    if (others.every((other) => JSON.stringify(other) === text)) return value!;
    const all = this.groups.map((group) => JSON.stringify(group[name])).join(', ');
    const key = String(name);
    throw new OptionError(
      `${this.#kind.type}: the groups have different values of ${key}: ${all}. Read groups[i].${key}.`,
    );
  }

  /** Sets a setting of all groups. */
  protected share<Name extends keyof Settings>(name: Name, value: Settings[Name]): void {
    for (const group of this.groups) (group as Settings)[name] = value;
  }

  #parameters(): Tensor[] {
    return this.groups.flatMap(({ parameters }) => parameters);
  }

  #owner(group: number): string {
    return this.groups.length === 1 ? this.#kind.type : `${this.#kind.type}, group ${group}`;
  }

  #check(): void {
    for (const [i, group] of this.groups.entries()) this.#kind.check(this.#owner(i), group);
  }

  /** The settings of each group. @throws OptionError */
  #savedSettings(values: SavedValues): Settings[] {
    const { type, names } = this.#kind;
    expectType(type, values);
    const count = savedCount(type, values, 'parameters');
    const all = this.#parameters().length;
    const fix = 'Give it the parameters that the saved one had, in the same order';
    if (count !== all) {
      throw new OptionError(`${type}: the saved state is of ${count} parameters, this optimizer has ${all}. ${fix}.`);
    }
    const saved = Array.isArray(values.groups) ? (values.groups as readonly Record<string, SavedValue>[]) : [values];
    if (saved.length !== this.groups.length) {
      throw new OptionError(
        `${type}: the saved state is of ${saved.length} groups, this optimizer has ${this.groups.length}. ${fix} and groups.`,
      );
    }
    return saved.map((group, i) => {
      const owner = this.#owner(i);
      const inGroup = savedCount(owner, Object(group), 'parameters');
      const { length } = this.groups[i]!.parameters;
      if (inGroup !== length) {
        throw new OptionError(
          `${owner}: the saved group is of ${inGroup} parameters, this one has ${length}. ${fix} and groups.`,
        );
      }
      const settings = settingsOf(group as unknown as Settings, names);
      this.#kind.check(`${owner}, saved state`, settings);
      return settings;
    });
  }

  /** The steps of each parameter, if this kind saves them. @throws OptionError */
  #savedSteps({ steps }: SavedValues): number[] | undefined {
    const { type, counts } = this.#kind;
    if (!counts) return undefined;
    const all = this.#parameters();
    if (!Array.isArray(steps) || steps.length !== all.length) {
      throw new OptionError(`${type}: the saved state must have ${all.length} counts of steps, got ${steps}.`);
    }
    return all.map((_, i) => savedCount(type, steps, `${i}`));
  }
}

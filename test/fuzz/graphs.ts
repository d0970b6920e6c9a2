/** The graphs of a program, without an engine: the flow of gradients, used-up graphs, and tensors changed after use. */
import { differentiableInputsOf, inputsOf, type Leaf, type Op, type Statement, statisticsOf } from './program.ts';

interface Node {
  readonly op: Op;
  /** Results and leaves that a gradient flows on to. */
  readonly parents: readonly string[];
  /** Memory that the op read, and the version of its content. */
  readonly read: readonly (readonly [root: string, version: number])[];
}

/** Ops whose backward reads no tensor. */
const SAVING_NOTHING: readonly string[] = ['add', 'flatten', 'view', 'globalAvgPool2d'];

export class Graphs {
  readonly #several: boolean;
  readonly #tracked = new Map<string, boolean>();
  readonly #nodes = new Map<string, Node>();
  readonly #used = new Set<string>();
  /** The tensor whose memory a view shares. */
  readonly #roots = new Map<string, string>();
  readonly #versions = new Map<string, number>();

  /** @param several whether graphs belong to their results; if not, any backward uses up all of them */
  constructor(leaves: readonly Leaf[], several: boolean) {
    this.#several = several;
    for (const { name, requiresGrad } of leaves) this.#tracked.set(name, requiresGrad);
  }

  /** Records the ops of statements. */
  run(body: readonly Statement[], recording = true): void {
    for (const statement of body) {
      if (statement.do === 'scope') this.run(statement.body, recording);
      if (statement.do === 'noGrad') this.run(statement.body, false);
      if (statement.do !== 'op') continue;
      const { op, out } = statement;
      const parents = recording ? differentiableInputsOf(op).filter((name) => this.isTracked(name)) : [];
      this.#tracked.set(out, parents.length > 0);
      if (op.op === 'view' || op.op === 'flatten') this.#roots.set(out, this.#rootOf(op.input));
      if ('training' in op && op.training) this.change(statisticsOf(op));
      // Backward reads data derived from the running statistics, not the statistics.
      const read = inputsOf(op)
        .filter((name) => !statisticsOf(op).includes(name))
        .map((name) => [this.#rootOf(name), this.#versionOf(name)] as const);
      if (parents.length > 0) this.#nodes.set(out, { op, parents, read });
    }
  }

  isTracked(name: string): boolean {
    return this.#tracked.get(name) ?? false;
  }

  isResult(name: string): boolean {
    return this.#nodes.has(name);
  }

  /** Records that the content of these tensors was replaced. */
  change(names: readonly string[]): void {
    for (const name of names) {
      const root = this.#rootOf(name);
      this.#versions.set(root, this.#versionOf(name) + 1);
    }
  }

  /** Freezes or unfreezes a leaf. @param outdates whether this makes its graphs unusable */
  toggle(leaf: string, outdates: boolean): boolean {
    const on = !this.isTracked(leaf);
    this.#tracked.set(leaf, on);
    if (outdates) this.change([leaf]);
    return on;
  }

  /** Whether backward may start here: a gradient flows, and nothing on the way is used up or changed. */
  canGoBack(name: string): boolean {
    if (!this.isTracked(name)) return false;
    return [...this.#reached(name)].every(
      (reached) => !this.#used.has(reached) && this.#changedBy(reached).length === 0,
    );
  }

  isUsed(name: string): boolean {
    return this.#used.has(name);
  }

  /** Whether a second backward from here fails. As in torch, only an op that saved tensors is used up. */
  saves(name: string): boolean {
    return [...this.#reached(name)].some((reached) => {
      const { op, parents = [] } = this.#nodes.get(reached) ?? {};
      if (!op || SAVING_NOTHING.includes(op.op)) return false;
      // The gradient of a bias needs no saved tensor.
      return !('bias' in op) || op.op === 'batchNorm2d' || parents.some((parent) => parent !== op.bias);
    });
  }

  /** Whether the only obstacle to backward is a changed weight that it must read. */
  isOutdated(name: string): boolean {
    const reached = [...this.#reached(name)];
    const changed = new Set(reached.flatMap((one) => this.#changedBy(one)));
    const usable = this.isTracked(name) && reached.every((one) => !this.#used.has(one));
    return usable && [...changed].some((weight) => this.reads(name, weight));
  }

  /** The memory that an op read and that was changed afterwards. */
  #changedBy(name: string): string[] {
    const read = this.#nodes.get(name)?.read ?? [];
    return read.filter(([root, version]) => (this.#versions.get(root) ?? 0) !== version).map(([root]) => root);
  }

  /** Whether a gradient flows from a result to a leaf. */
  passes(name: string, leaf: string): boolean {
    return name !== leaf && this.#reached(name).has(leaf);
  }

  goBack(name: string, retain: boolean): void {
    if (retain) return;
    for (const reached of this.#several ? this.#reached(name) : this.#nodes.keys()) {
      if (this.isResult(reached)) this.#used.add(reached);
    }
  }

  /** Whether another graph, not used up yet, shares results with this one. */
  shareUnused(name: string, other: string): boolean {
    if (!this.canGoBack(other)) return false;
    const reached = this.#reached(other);
    return [...this.#reached(name)].some((one) => this.isResult(one) && reached.has(one));
  }

  /** Whether backward from here must read this weight of a convolution or product, whose input requires a gradient. */
  reads(name: string, weight: string): boolean {
    return [...this.#reached(name)].some((reached) => {
      const { op, parents } = this.#nodes.get(reached) ?? {};
      return (op?.op === 'conv2d' || op?.op === 'linear') && op.weight === weight && parents!.includes(op.input);
    });
  }

  /** All results and leaves that backward reaches. */
  #reached(name: string, seen = new Set<string>()): Set<string> {
    if (!seen.has(name)) {
      seen.add(name);
      for (const parent of this.#nodes.get(name)?.parents ?? []) this.#reached(parent, seen);
    }
    return seen;
  }

  #rootOf(name: string): string {
    return this.#roots.get(name) ?? name;
  }

  #versionOf(name: string): number {
    return this.#versions.get(this.#rootOf(name)) ?? 0;
  }
}

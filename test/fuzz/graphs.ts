/** The graphs of a program, without an engine: the flow of gradients, used-up graphs, and tensors changed after use. */
import { differentiableInputsOf, movedBy, readBy, savedBy, viewedBy } from './ops/index.ts';
import type { Leaf, Op, Statement } from './program.ts';

interface Node {
  readonly op: Op;
  /** Results and leaves that a gradient flows on to. */
  readonly parents: readonly string[];
  /** Memory that backward may read, and the version of its content. */
  readonly read: readonly Version[];
  /** Parents, and how often each was frozen or unfrozen before. */
  readonly toggled: readonly Version[];
}

type Version = readonly [name: string, version: number];

export class Graphs {
  readonly #several: boolean;
  readonly #tracked = new Map<string, boolean>();
  readonly #nodes = new Map<string, Node>();
  readonly #used = new Set<string>();
  /** The tensor whose memory a view shares. */
  readonly #roots = new Map<string, string>();
  readonly #versions = new Map<string, number>();
  /** How often leaves were frozen or unfrozen. */
  readonly #toggles = new Map<string, number>();

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
      const viewed = viewedBy(op);
      if (viewed !== undefined) this.#roots.set(out, this.#rootOf(viewed));
      this.change(movedBy(op));
      const read = readBy(op).map((name) => [this.#rootOf(name), this.#versionOf(name)] as const);
      const toggled = parents.map((name) => [name, this.#toggles.get(name) ?? 0] as const);
      if (parents.length > 0) this.#nodes.set(out, { op, parents, read, toggled });
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
    if (outdates) this.#toggles.set(leaf, (this.#toggles.get(leaf) ?? 0) + 1);
    return on;
  }

  /** Whether backward may start here: a gradient flows, and nothing on the way is used up or changed. */
  canGoBack(name: string): boolean {
    if (!this.isTracked(name)) return false;
    return [...this.#reached(name)].every(
      (reached) => !this.#used.has(reached) && this.#changedBy(reached).length === 0 && !this.#isToggled(reached),
    );
  }

  isUsed(name: string): boolean {
    return this.#used.has(name);
  }

  /** Whether a second backward from here fails. As in torch, only an op that saved tensors is used up. */
  saves(name: string): boolean {
    return [...this.#reached(name)].some((reached) => this.#savedFor(reached).size > 0);
  }

  /** Whether the only obstacle to backward is a changed tensor that it must read. */
  isOutdated(name: string): boolean {
    const reached = [...this.#reached(name)];
    const changed = new Set(reached.flatMap((one) => this.#changedBy(one)));
    const usable = this.isTracked(name) && reached.every((one) => !this.#used.has(one));
    return usable && [...changed].some((tensor) => this.reads(name, tensor));
  }

  /** The memory that an op read and that was changed afterwards. */
  #changedBy(name: string): string[] {
    const read = this.#nodes.get(name)?.read ?? [];
    return read.filter(([root, version]) => (this.#versions.get(root) ?? 0) !== version).map(([root]) => root);
  }

  /** Whether a leaf that its gradient flows to was frozen or unfrozen since. */
  #isToggled(name: string): boolean {
    return this.#nodes.get(name)?.toggled.some(([leaf, times]) => (this.#toggles.get(leaf) ?? 0) !== times) ?? false;
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

  /** Whether backward from here must read this tensor. */
  reads(name: string, tensor: string): boolean {
    return [...this.#reached(name)].some((reached) => this.#savedFor(reached).has(tensor));
  }

  /** What the op of a result saved. */
  #savedFor(name: string): ReadonlySet<string> {
    const node = this.#nodes.get(name);
    return node ? savedBy(node.op, node.parents) : new Set();
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

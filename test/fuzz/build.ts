/**
 * Builds a program from a draft. Each step runs the body with its own results. Between the ops are other statements:
 * reads, disposals, backward, optimizer steps. Programs stay legal, because the builder tracks results that require a
 * gradient, used-up graphs, and changed tensors.
 */
import { counterNoise } from '../../src/autograd/gradcheck.ts';
import type { Capabilities } from './capabilities.ts';
import type { Draft, OptimizerDraft, StepDraft } from './draft.ts';
import { Graphs } from './graphs.ts';
import { differentiableInputsOf, savedBy } from './ops/index.ts';
import { pick } from './ops/row.ts';
import { type Backward, inputsOf, type OptimizerSpec, type Program, type Statement, walk } from './program.ts';
import { makeTemplate, type Template, type TemplateLoss } from './template.ts';

const RATES = [0.1, 0.01, 0.03, 0.3];
const SHARES = [0, 0.9, 0.5];
const DECAYS = [0, 0.01, 0.1];

/**
 * Times to dispose a result: `end` is the end of its step, `later` a few ops after its last use, `kept` the program's
 * end.
 */
const FATES = ['end', 'at once', 'later', 'before backward', 'kept', 'with the scope'] as const;
type Fate = (typeof FATES)[number];

/** Makes the program of a draft for an engine with these capabilities. */
export function buildProgram(draft: Draft, capabilities: Capabilities): Program {
  return new ProgramBuilder(draft, capabilities).build();
}

class ProgramBuilder {
  readonly #draft: Draft;
  readonly #can: Capabilities;
  readonly #template: Template;
  readonly #graphs: Graphs;
  readonly #optimizers: readonly OptimizerSpec[];
  /** Leaves that may require a gradient. */
  readonly #trainable: readonly string[];
  /** Running statistics. */
  readonly #statistics: readonly string[];
  #draws = 0;
  #labels = 0;
  /** Results that are disposed at the end of the program. */
  readonly #alive = new Set<string>();
  /** Leaves that are disposed before the end. */
  readonly #disposed = new Set<string>();
  /** Losses whose backward comes in a later step. */
  #late: { readonly name: string; readonly loss: TemplateLoss }[] = [];

  constructor(draft: Draft, capabilities: Capabilities) {
    this.#draft = draft;
    this.#can = capabilities;
    this.#template = makeTemplate(draft, capabilities.severalGraphs);
    const { leaves } = this.#template;
    this.#graphs = new Graphs(leaves, capabilities.severalGraphs);
    this.#statistics = leaves.filter(({ name }) => name.startsWith('s')).map(({ name }) => name);
    this.#trainable = leaves.map(({ name }) => name).filter((name) => /^[xw]/.test(name));
    this.#optimizers = draft.optimizers.map((one) => optimizerOf(one, this.#trainable));
  }

  build(): Program {
    const { seed, device, poison, steps, epilogue } = this.#draft;
    const statements = steps.flatMap((step, i) => this.#step(step, i));
    statements.push(...this.#epilogue(epilogue, steps.length));
    for (const name of this.#alive) statements.push(this.#read(name));
    const end = [
      ...this.#alive,
      ...this.#template.leaves.map(({ name }) => name).filter((name) => !this.#disposed.has(name)),
      ...this.#optimizers.map((_, i) => `sgd${i}`),
    ];
    return {
      ...{
        can: this.#can,
        seed,
        redraw: 0,
        device,
        poison,
        leaves: this.#template.leaves,
        optimizers: this.#optimizers,
        statements,
      },
      end: shuffled(end, this.#draft.order),
    };
  }

  #step(draft: StepDraft, index: number): Statement[] {
    const before: Statement[] = [];
    this.#template.leaves
      .filter(({ name }) => /^[xy]/.test(name))
      .forEach(({ name }, i) => {
        if (index > 0 && (draft.sets >> (i % 8)) & 1) before.push(this.#set(name));
      });
    for (const toggle of draft.toggles) {
      const leaf = pick(this.#trainable, toggle);
      if (index > 0 && leaf !== undefined) before.push(this.#toggle(leaf));
    }
    const losses = this.#template.losses.map((loss) => ({ name: stepName(loss.name, index), loss }));
    const own = new Set(losses.map(({ name }) => name));
    const carried = new Set(this.#carried(index));
    const { fates } = draft;
    const fateOf = (name: string): Fate => {
      if (carried.has(name)) return 'kept';
      return own.has(name) ? 'end' : FATES[fates[sequence(name) % fates.length]!]!;
    };
    const body = this.#body(index);
    this.#graphs.run(body);
    const live = survivors(body);
    const made = withDisposals(body, live, {
      reads: (name) => ((draft.reads >> (sequence(name) % 8)) & 1 ? [this.#read(name)] : []),
      fateOf,
    });
    const rest = made.alive;
    const statements: Statement[] = [...made.statements];
    const isLate = ({ name, loss }: (typeof losses)[number]) =>
      this.#can.severalGraphs && loss.draft.late && live.has(name) && index + 1 < this.#draft.steps.length;
    const now = shuffled(
      losses.filter((one) => !isLate(one)),
      draft.order,
    );
    statements.push(...now.flatMap((one) => this.#backwards(one, now)));
    const due = this.#late;
    this.#late = losses.filter(isLate);
    statements.push(...due.flatMap((one) => this.#backwards(one, [...now, ...due])));
    statements.push(...this.#update(draft));
    statements.push(...rest.map((name) => this.#read(name)));
    const late = new Set(this.#late.map(({ name }) => name));
    const kept = rest.filter((name) => late.has(name) || fateOf(name) === 'kept');
    for (const name of kept) this.#alive.add(name);
    const gone = shuffled(
      rest.filter((name) => !this.#alive.has(name) && !(draft.scoped && fateOf(name) === 'with the scope')),
      draft.order + 1,
    );
    statements.push(...gone.map((tensor) => ({ do: 'dispose', tensor }) as const));
    return draft.scoped ? [...before, { do: 'scope', body: statements, keep: kept }] : [...before, ...statements];
  }

  /** The ops of a step. */
  #body(index: number): Statement[] {
    return renamed(this.#template.body, (name) => {
      const carry = this.#template.carries.get(name);
      if (!carry) return stepName(name, index);
      return index === 0 || carry.from === undefined ? carry.start : stepName(carry.from, index - 1);
    });
  }

  /** The results of a step that the next one uses. */
  #carried(index: number): string[] {
    return [...this.#template.carries.values()].flatMap(({ from }) =>
      from === undefined ? [] : [stepName(from, index)],
    );
  }

  /** The backward of a loss, once or twice, if it is legal. */
  #backwards({ name, loss }: { name: string; loss: TemplateLoss }, others: readonly { name: string }[]): Statement[] {
    if (!this.#graphs.canGoBack(name)) return [];
    const shared = others.some((other) => other.name !== name && this.#graphs.shareUnused(name, other.name));
    const twice = this.#can.retainGraph && loss.draft.twice;
    const list = [this.#backward(name, loss, this.#can.retainGraph && (twice || shared))];
    if (twice) list.push(this.#backward(name, loss, shared));
    return list;
  }

  #backward(name: string, { shape, draft }: TemplateLoss, retainGraph: boolean): Backward {
    const single = shape.length === 0;
    const byNumber = single && draft.seed === 2 && this.#can.seedNumbers;
    const byTensor = !single || draft.seed === 1;
    const afterwards = [undefined, 'dispose', 'overwrite'][
      draft.afterwards % (this.#can.ownGradients ? 3 : 2)
    ] as Backward['afterwards'];
    this.#graphs.goBack(name, retainGraph);
    return {
      ...{ do: 'backward', loss: name, label: this.#label() },
      ...(byNumber && { seed: 0.5 }),
      ...(byTensor && { draw: this.#draws++, shape, ...(afterwards && { afterwards }) }),
      ...(retainGraph && { retainGraph }),
    };
  }

  /** Statements after backward: an edit of a gradient, optimizer steps, and dropping gradients. */
  #update(draft: StepDraft): Statement[] {
    const statements: Statement[] = [];
    const edited = draft.edit > 0 && this.#can.ownGradients ? pick(this.#trainable, draft.edit) : undefined;
    if (edited !== undefined) statements.push({ do: 'setGrad', leaf: edited, draw: this.#draws++ });
    for (const [optimizer, { parameters }] of this.#optimizers.entries()) {
      if (!((draft.optimize >> optimizer) & 1)) continue;
      statements.push({ do: 'step', optimizer, lr: RATES[draft.lr]!, label: this.#label() });
      this.#graphs.change(parameters);
    }
    if (draft.zero === 0) {
      statements.push(...this.#optimizers.map((_, optimizer) => ({ do: 'zeroGrad', optimizer }) as const));
    }
    if (draft.zero === 2) statements.push({ do: 'zeroGrad', leaf: pick(this.#trainable, draft.order)! });
    return [...statements, ...this.#statistics.map((name) => this.#read(name))];
  }

  /** Statements after the last step: those that must throw, and those that need a separate graph. */
  #epilogue(kind: Draft['epilogue'], index: number): Statement[] {
    if (kind === 'none') return [];
    if (kind === 'untracked') {
      const leaf = this.#trainable.find((name) => !this.#graphs.isTracked(name));
      const shape = leaf === undefined ? undefined : this.#template.shapes.get(leaf)!;
      return shape ? [this.#failing('untracked', leaf!, shape)] : [];
    }
    const statements: Statement[] = [];
    if (kind === 'misshaped' && !this.#can.checkingSeeds) return [];
    if (kind === 'disposed' && !this.#can.disposedLeaves) return [];
    const weight = this.#savedWeight();
    if (kind === 'changed' && !(this.#can.changedBetween && weight !== undefined)) return [];
    if (kind === 'unfrozen') {
      if (!this.#can.unfreezeBetween || weight === undefined) return [];
      if (this.#graphs.isTracked(weight)) statements.push(this.#toggle(weight));
    }
    if (kind === 'changed' && !this.#graphs.isTracked(weight!)) statements.push(this.#toggle(weight!));
    const body = this.#body(index);
    this.#graphs.run(body);
    statements.push(...body);
    for (const name of survivors(body)) this.#alive.add(name);
    const loss = this.#template.losses[0]!;
    const name = stepName(loss.name, index);
    if (!this.#graphs.canGoBack(name)) return statements;
    if (kind === 'misshaped') return [...statements, this.#failing('misshaped', name, [...loss.shape, 2])];
    if (kind === 'disposed') {
      const leaf = this.#trainable.find((one) => this.#graphs.passes(name, one));
      if (leaf === undefined) return statements;
      this.#disposed.add(leaf);
      statements.push({ do: 'dispose', tensor: leaf });
    }
    if (kind === 'changed') {
      if (!this.#graphs.reads(name, weight!)) return statements;
      statements.push(this.#set(weight!), this.#failing('changed', name, loss.shape));
      return statements;
    }
    if (kind === 'unfrozen') statements.push(this.#toggle(weight!, false));
    statements.push(this.#backward(name, loss, false));
    // A leaf has no graph to use up.
    if (kind === 'used' && this.#graphs.isResult(name) && this.#graphs.saves(name))
      statements.push(this.#failing('used', name, loss.shape));
    return statements;
  }

  /** A leaf that backward must read for the gradient of another tensor. */
  #savedWeight(): string | undefined {
    for (const statement of walk(this.#template.body)) {
      if (statement.do !== 'op') continue;
      const { op } = statement;
      const tracked = differentiableInputsOf(op).filter((name) => this.#graphs.isTracked(name));
      const weight = this.#trainable.find((leaf) =>
        savedBy(
          op,
          tracked.filter((name) => name !== leaf),
        ).has(leaf),
      );
      if (weight !== undefined) return weight;
    }
    return undefined;
  }

  #failing(fails: NonNullable<Backward['fails']>, loss: string, shape: readonly number[]): Backward {
    return { do: 'backward', loss, label: this.#label(), draw: this.#draws++, shape, afterwards: 'dispose', fails };
  }

  #set(leaf: string): Statement {
    this.#graphs.change([leaf]);
    return { do: 'set', leaf, draw: this.#draws++ };
  }

  #toggle(leaf: string, outdates = true): Statement {
    return { do: 'requiresGrad', leaf, on: this.#graphs.toggle(leaf, outdates) };
  }

  #read(tensor: string): Statement {
    return { do: 'read', tensor, label: this.#label() };
  }

  #label(): string {
    return `#${this.#labels++}`;
  }
}

function optimizerOf(draft: OptimizerDraft, trainable: readonly string[]): OptimizerSpec {
  const chosen = trainable.filter((_, i) => (draft.parameters >> (i % 8)) & 1);
  const [momentum, dampening] = [SHARES[draft.momentum]!, SHARES[draft.dampening]!];
  return {
    parameters: chosen.length > 0 ? chosen : trainable,
    momentum,
    dampening,
    nesterov: draft.nesterov && momentum > 0 && dampening === 0,
    weightDecay: DECAYS[draft.weightDecay]!,
  };
}

const isResult = (name: string) => name.startsWith('v');
/** The name of a result in a step: `v5` in the first, `v5.1` in the next. */
const stepName = (name: string, step: number) => (isResult(name) && step > 0 ? `${name}.${step}` : name);
/** The 5 of `v5.1`. */
const sequence = (name: string) => Number.parseInt(name.slice(1), 10);

/** The same statements with other names. */
function renamed(body: readonly Statement[], rename: (name: string) => string): Statement[] {
  const isName = (value: unknown): value is string => typeof value === 'string' && /^[vc]\d+$/.test(value);
  const text = JSON.stringify(body, (_, value: unknown) => (isName(value) ? rename(value) : value));
  return JSON.parse(text) as Statement[];
}

/** The results that no scope of the body disposes. */
function survivors(body: readonly Statement[]): Set<string> {
  return new Set(
    body.flatMap((statement) => {
      if (statement.do === 'op') return [statement.out];
      if (statement.do === 'scope') return statement.keep;
      return statement.do === 'noGrad' ? [...survivors(statement.body)] : [];
    }),
  );
}

interface Disposal {
  readonly fateOf: (name: string) => Fate;
  /** Statements that read a result before it is disposed. */
  readonly reads: (name: string) => Statement[];
}

/** Adds disposals to a body, and lists the results that stay alive. */
function withDisposals(body: readonly Statement[], live: ReadonlySet<string>, { fateOf, reads }: Disposal) {
  // `due` holds the statement after which each result is disposed.
  const flat = [...walk(body)];
  const due = new Map<Statement, string[]>();
  const early: string[] = [];
  for (const name of live) {
    const fate = fateOf(name);
    if (fate === 'before backward') early.push(name);
    if (fate !== 'at once' && fate !== 'later') continue;
    const last = flat.findLastIndex((one) => one.do === 'op' && (one.out === name || inputsOf(one.op).includes(name)));
    // A scope must not dispose a result that it returns.
    const scopes = flat.filter((one) => one.do === 'scope' && one.keep.includes(name));
    const ends = scopes.map((one) => flat.indexOf([...walk([one])].at(-1)!) + 1);
    const earliest = Math.max(last, ...ends);
    const later = flat.findIndex((one, i) => i >= earliest + (fate === 'later' ? 2 : 0) && one.do === 'op');
    const at = later < 0 ? undefined : flat[later];
    if (at) due.set(at, [...(due.get(at) ?? []), name]);
    else early.push(name);
  }
  const dispose = (name: string): Statement[] => [...reads(name), { do: 'dispose', tensor: name }];
  const place = (statements: readonly Statement[]): Statement[] =>
    statements.flatMap((one): Statement[] => {
      if (one.do === 'scope' || one.do === 'noGrad') return [{ ...one, body: place(one.body) }];
      return [one, ...(due.get(one) ?? []).flatMap(dispose)];
    });
  const statements = [...place(body), ...early.flatMap(dispose)];
  const disposed = new Set([...early, ...[...due.values()].flat()]);
  return { statements, alive: [...live].filter((name) => !disposed.has(name)) };
}

/** Shuffles a list, in the same order for the same seed. */
function shuffled<T>(list: readonly T[], seed: number): T[] {
  const random = counterNoise(Math.imul(seed, 0x9e37) >>> 0);
  return list
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

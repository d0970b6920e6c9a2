/**
 * Makes a draft's body into ops: the network that each step of a program runs. Every number of a token is taken modulo
 * the number of choices at its place. A token that is not possible there is left out.
 */
import type { Shape } from '../../src/autograd/index.ts';
import { CHANNELS, PRODUCTS, VARIANTS } from './choices.ts';
import type { Draft, InputDraft, LossDraft, Token } from './draft.ts';
import { images } from './ops/images.ts';
import { differentiableInputsOf, OPS, rowOf, shapeOf } from './ops/index.ts';
import { labelledShape } from './ops/losses.ts';
import {
  type Call,
  chooser,
  HOTTEST,
  hottest,
  OF_PARAMETERS,
  ofRank,
  pick,
  type Site,
  sameAs,
  spread,
} from './ops/row.ts';
import type { Distribution, Leaf, Op, Options, Statement } from './program.ts';

/** A loss of the body. */
export interface TemplateLoss {
  readonly name: string;
  readonly shape: Shape;
  readonly draft: LossDraft;
}

/**
 * A tensor of the last step, without its gradient, like the state of a recurrent network. In the first step it is a
 * leaf.
 */
export interface Carry {
  readonly start: string;
  readonly from: string | undefined;
}

export interface Template {
  /** Keyed by their names in the body, such as `c3`. */
  readonly carries: ReadonlyMap<string, Carry>;
  readonly leaves: readonly Leaf[];
  readonly body: readonly Statement[];
  readonly losses: readonly TemplateLoss[];
  readonly shapes: ReadonlyMap<string, Shape>;
}

interface Frame {
  readonly block: 'scope' | 'noGrad' | 'step';
  readonly body: Statement[];
  readonly flags: number;
  /** Results made in the block. */
  readonly made: string[];
}

type Fits = (shape: Shape) => boolean;

/** Makes the ops of a draft. */
export function makeTemplate(draft: Draft, severalGraphs: boolean): Template {
  const builder = new TemplateBuilder();
  draft.inputs.forEach((input) => {
    builder.input(input);
  });
  for (const token of draft.body) builder.token(token);
  return builder.finish(draft.losses, severalGraphs);
}

/** The heat of a tensor that the next step takes. */
const CARRIED_HEAT = 1;

class TemplateBuilder implements Site {
  readonly #leaves: Leaf[] = [];
  readonly #shapes = new Map<string, Shape>();
  readonly #heats = new Map<string, number>();
  /** Tensors that require a gradient, as long as no leaf is frozen or unfrozen. */
  readonly #tracked = new Set<string>();
  /** Masks and counts, which only some ops take as input. */
  readonly #whole = new Set<string>();
  readonly #frames: Frame[] = [{ block: 'step', body: [], flags: 0, made: [] }];
  readonly #norms: Call['inputs'][] = [];
  /** Leaves that carried tensors start with. */
  readonly #starts: string[] = [];
  #results = 0;

  input({ kind, batch, channels, height, width, requiresGrad, values }: InputDraft): void {
    const features = CHANNELS[channels % CHANNELS.length]!;
    const shape = {
      images: [batch, features, height, width],
      rows: [batch, features],
      sequences: [batch, height, features],
      vector: [features],
    }[kind];
    // The variance is 1.
    const distribution: Distribution = values === 'uniform' ? spread(1.7) : { kind: values };
    this.leaf('x', shape, distribution, requiresGrad);
  }

  token(token: Token): void {
    switch (token.kind) {
      case 'carry': {
        const like = this.take(token);
        if (like !== undefined) this.#carry(this.shape(like));
        return;
      }
      case 'force': {
        const choose = chooser(token.option);
        const [conv2d, linear, matmul] = [choose(VARIANTS), choose(PRODUCTS), choose(PRODUCTS)];
        this.#emit({ do: 'force', ...(conv2d && { conv2d }), ...(linear && { linear }), ...(matmul && { matmul }) });
        return;
      }
      case 'scope':
      case 'noGrad':
        if (this.#frames.length < 4) {
          this.#frames.push({ block: token.kind, body: [], flags: token.flags, made: [] });
        }
        return;
      case 'close':
        if (this.#frames.length > 1) this.#close();
        return;
      default: {
        const drawn = OPS[token.kind]!.draw(this, token);
        if (drawn) this.call(token.kind, drawn.inputs, drawn.options);
      }
    }
  }

  finish(drafts: readonly LossDraft[], severalGraphs: boolean): Template {
    while (this.#frames.length > 1) this.#close();
    const losses: TemplateLoss[] = [];
    for (const draft of drafts) {
      const scored = this.#learning((shape) => ofRank(2)(shape) || images(shape));
      const logits = draft.kind === 'crossEntropy' ? pick(scored, draft.at) : undefined;
      const name = logits === undefined ? pick(this.#learning(anyTensor), draft.at)! : this.#scored(logits);
      if (!losses.some((loss) => loss.name === name)) losses.push({ name, shape: this.shape(name), draft });
    }
    const body = this.#frames[0]!.body;
    const carries = new Map(this.#starts.map((start) => [carriedName(start), { start, from: this.#carried(start) }]));
    const rest = { carries, leaves: this.#leaves, body, shapes: this.#shapes };
    if (severalGraphs) return { ...rest, losses };
    // A single backward runs from the sum of the losses of one value, or from the first loss.
    const single = losses.filter(({ shape }) => shape.length === 0);
    const [first, ...others] = single.length > 0 ? single : losses.slice(0, 1);
    const name = others.reduce((a, { name: b }) => this.call('add', { a, b }), first!.name);
    return { ...rest, losses: [{ ...first!, name }] };
  }

  /** Makes a loss of one value from images or rows. */
  #scored(scores: string): string {
    const logits = ofRank(2)(this.shape(scores))
      ? scores
      : this.call('flatten', { input: scores }, { startDim: 1, endDim: -1 });
    const shape = this.shape(logits);
    const labels = this.leaf('y', labelledShape(shape), { kind: 'labels', classes: shape[1]! });
    return this.call('crossEntropy', { logits, labels }, { reduction: 'mean', ignoreIndex: null, labelSmoothing: 0 });
  }

  #carry(shape: Shape): void {
    const start = this.leaf('x', shape, spread(1.7));
    this.#starts.push(start);
    this.#heats.set(carriedName(start), CARRIED_HEAT);
    this.#shapes.set(carriedName(start), shape);
    this.call('detach', { input: carriedName(start) }, { shape });
  }

  /** The last result of a step with the same shape. */
  #carried(start: string): string | undefined {
    const fits = sameAs(this.shape(start));
    return this.#frames[0]!.made.findLast(
      (name) => this.isFloat(name) && this.heat(name) <= CARRIED_HEAT && fits(this.shape(name)),
    );
  }

  shape(name: string): Shape {
    return this.#shapes.get(name)!;
  }

  heat(name: string): number {
    return this.#heats.get(name)!;
  }

  isFloat(name: string): boolean {
    return !this.#whole.has(name);
  }

  take(token: Token, fits: Fits = anyTensor): string | undefined {
    return pick(this.#fitting(fits, token.flags), token.at);
  }

  takeOther(token: Token, fits: Fits, skip = 0): string | undefined {
    return pick(this.#fitting(fits, token.flags), token.with + skip);
  }

  takeAny(token: Token, fits: Fits = anyTensor): string | undefined {
    return pick([...this.masks(fits), ...this.#fitting(fits, token.flags)], token.at);
  }

  masks(fits: Fits): string[] {
    return this.#made().filter((name) => this.#whole.has(name) && fits(this.shape(name)));
  }

  parameters(fits: Fits): Leaf[] {
    return this.#leaves.filter(({ name, shape }) => name.startsWith('w') && fits(shape));
  }

  norms(channels: number): Call['inputs'][] {
    return this.#norms.filter(({ weight }) => this.shape(weight!)[0] === channels);
  }

  leaf(kind: string, shape: Shape, values: Distribution, requiresGrad = false): string {
    const name = `${kind}${this.#leaves.length}`;
    this.#leaves.push({ name, shape, values, requiresGrad });
    this.#shapes.set(name, shape);
    this.#heats.set(name, 0.2);
    if (requiresGrad) this.#tracked.add(name);
    return name;
  }

  call(name: string, given: Call['inputs'], options: Options = {}): string {
    const named = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const op: Op = { op: name, inputs: Object.fromEntries(named), options };
    const out = `v${this.#results++}`;
    const row = rowOf(op);
    this.#shapes.set(
      out,
      shapeOf(op, (input) => this.shape(input)),
    );
    this.#heats.set(out, this.#heatOf(op));
    this.#frames.at(-1)!.made.push(out);
    const recording = this.#frames.every(({ block }) => block !== 'noGrad');
    if (recording && differentiableInputsOf(op).some((input) => this.#tracked.has(input))) this.#tracked.add(out);
    const whole = row.type === 'u32' || (row.type === 'same' && !this.isFloat(named[0]![1]));
    if (whole) this.#whole.add(out);
    const { weight, bias, runningMean, runningVar } = op.inputs;
    if (runningMean !== undefined) this.#norms.push({ weight, bias, runningMean, runningVar });
    this.#emit({ do: 'op', out, op });
    return out;
  }

  #heatOf(op: Op): number {
    const of = <T>(get: (name: string) => T) =>
      Object.fromEntries(Object.entries(op.inputs).map(([input, name]) => [input, get(name)]));
    const heats = of((name) => this.heat(name));
    const heat =
      rowOf(op).heat?.(
        heats,
        of((name) => this.shape(name)),
        op.options,
      ) ?? hottest(heats);
    return Math.min(2 * HOTTEST, heat);
  }

  #made(): string[] {
    return this.#frames.flatMap(({ made }) => made).reverse();
  }

  /** Possible inputs of an op, the newest first. Parameters are among them only for some tokens. */
  #fitting(fits: Fits, flags: number): string[] {
    const kinds = flags & OF_PARAMETERS ? ['x', 'w'] : ['x'];
    const leaves = this.#leaves.filter(({ name }) => kinds.includes(name[0]!)).map(({ name }) => name);
    return [...this.#made(), ...leaves].filter((name) => this.isFloat(name) && fits(this.shape(name)));
  }

  /** The same for a loss: tensors that require a gradient, if there are any. */
  #learning(fits: Fits): string[] {
    const fitting = this.#fitting(fits, 0);
    const tracked = fitting.filter((name) => this.#tracked.has(name));
    return tracked.length > 0 ? tracked : fitting;
  }

  #emit(statement: Statement): void {
    this.#frames.at(-1)!.body.push(statement);
  }

  /** Ends the innermost block. A scope returns its newest result, or all, or none. */
  #close(): void {
    const { block, body, flags, made } = this.#frames.pop()!;
    const outer = this.#frames.at(-1)!;
    if (block === 'noGrad') {
      if (body.length > 0) outer.body.push({ do: 'noGrad', body });
      outer.made.push(...made);
      return;
    }
    const keep = [made.slice(-1), made, []][flags % 3]!;
    if (body.length > 0) outer.body.push({ do: 'scope', body, keep });
    outer.made.push(...keep);
  }
}

const carriedName = (start: string) => `c${start.slice(1)}`;
const anyTensor = () => true;

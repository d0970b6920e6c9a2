/**
 * Makes a draft's body into ops: the network that each step of a program runs. Every number of a token is taken modulo
 * the number of choices at its place. A token that is not possible there is left out.
 */
import { type Shape, sizeOf } from '../../src/autograd/index.ts';
import { convolvedExtent } from '../../src/kernels/conv2d/shape.ts';
import {
  CHANNELS,
  CONVOLUTIONS,
  EPSILONS,
  FEATURES,
  type KernelWindow,
  MOMENTA,
  MOST_PRODUCTS,
  MOST_VALUES,
  POOLS,
  PRODUCTS,
  VARIANTS,
} from './choices.ts';
import type { Draft, InputDraft, LossDraft, Token } from './draft.ts';
import {
  type Distribution,
  differentiableInputsOf,
  type Leaf,
  type NormInputs,
  type Op,
  type Statement,
} from './program.ts';

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

/** Bits of a token's flags. */
const REUSED = 1;
const BIASED = 8;
const FROZEN = 16;
const OF_PARAMETERS = 32;
const TRAINING = 2;
const RELU = 4;
const RESIDUAL = 64;

interface Frame {
  readonly block: 'scope' | 'noGrad' | 'step';
  readonly body: Statement[];
  readonly flags: number;
  /** Results made in the block. */
  readonly made: string[];
}

/** Makes the ops of a draft. */
export function makeTemplate(draft: Draft, severalGraphs: boolean): Template {
  const builder = new TemplateBuilder();
  draft.inputs.forEach((input) => {
    builder.input(input);
  });
  for (const token of draft.body) builder.token(token);
  return builder.finish(draft.losses, severalGraphs);
}

class TemplateBuilder {
  readonly #leaves: Leaf[] = [];
  readonly #shapes = new Map<string, Shape>();
  /** Tensors that require a gradient, as long as no leaf is frozen or unfrozen. */
  readonly #tracked = new Set<string>();
  /** Counts, which no op takes as input. */
  readonly #counts = new Set<string>();
  readonly #frames: Frame[] = [{ block: 'step', body: [], flags: 0, made: [] }];
  /** Weight, bias, mean and variance of the batch norms. */
  readonly #norms: { readonly channels: number; readonly inputs: NormInputs }[] = [];
  /** Leaves that carried tensors start with. */
  readonly #starts: string[] = [];
  #results = 0;

  input({ images, batch, channels, height, width, requiresGrad, values }: InputDraft): void {
    const features = CHANNELS[channels % CHANNELS.length]!;
    const shape = images ? [batch, features, height, width] : [batch, features];
    // The variance is 1.
    const distribution: Distribution = values === 'uniform' ? spread(1.7) : { kind: values };
    this.#leaf('x', shape, distribution, requiresGrad);
  }

  token(token: Token): void {
    switch (token.kind) {
      case 'relu':
        this.#on(token, anyTensor, (input) => this.#op({ op: 'relu', input }, this.#shape(input)));
        return;
      case 'add':
        this.#on(token, anyTensor, (a) => {
          const b = pick(this.#fitting(sameAs(this.#shape(a)), token.flags), token.with)!;
          this.#op({ op: 'add', a, b }, this.#shape(a));
        });
        return;
      case 'conv2d':
      case 'convNorm':
        this.#on(token, images, (input) => this.#convolve(token, input));
        return;
      case 'norm':
        this.#on(token, images, (input) => this.#normalise(token, input));
        return;
      case 'pool':
        this.#on(token, images, (input) => this.#pool(token, input));
        return;
      case 'average':
        this.#on(token, images, (input) => {
          const [batch, channels] = this.#shape(input);
          this.#op({ op: 'globalAvgPool2d', input }, [batch!, channels!, 1, 1]);
        });
        return;
      case 'flatten':
        this.#on(
          token,
          (shape) => shape.length > 0,
          (input) => this.#flatten(input),
        );
        return;
      case 'linear':
        this.#on(token, rows, (input) => this.#linear(token, input));
        return;
      case 'view':
        this.#on(token, anyTensor, (input) => this.#view(token, input));
        return;
      case 'carry':
        this.#on(token, anyTensor, (like) => this.#carry(this.#shape(like)));
        return;
      case 'loss':
      case 'count':
        this.#on(token, rows, (logits) => {
          const op = token.kind === 'loss' ? 'crossEntropy' : 'countCorrect';
          this.#op({ op, logits, labels: this.#labels(this.#shape(logits)) }, []);
        });
        return;
      case 'force': {
        const [conv2d, linear] = [VARIANTS[token.option % 4], PRODUCTS[token.size % 3]];
        this.#emit({ do: 'force', ...(conv2d && { conv2d }), ...(linear && { linear }) });
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
    }
  }

  finish(drafts: readonly LossDraft[], severalGraphs: boolean): Template {
    while (this.#frames.length > 1) this.#close();
    const losses: TemplateLoss[] = [];
    for (const draft of drafts) {
      const scored = this.#learning((shape) => shape.length === 2 || shape.length === 4);
      const logits = draft.kind === 'crossEntropy' ? pick(scored, draft.at) : undefined;
      const name = logits === undefined ? pick(this.#learning(anyTensor), draft.at)! : this.#scored(logits);
      if (!losses.some((loss) => loss.name === name)) losses.push({ name, shape: this.#shape(name), draft });
    }
    const body = this.#frames[0]!.body;
    const carries = new Map(this.#starts.map((start) => [carriedName(start), { start, from: this.#carried(start) }]));
    const rest = { carries, leaves: this.#leaves, body, shapes: this.#shapes };
    if (severalGraphs) return { ...rest, losses };
    // A single backward runs from the sum of the losses of one value, or from the first loss.
    const single = losses.filter(({ shape }) => shape.length === 0);
    const [first, ...others] = single.length > 0 ? single : losses.slice(0, 1);
    const name = others.reduce((a, { name: b }) => this.#op({ op: 'add', a, b }, []), first!.name);
    return { ...rest, losses: [{ ...first!, name }] };
  }

  /** Makes a loss of one value from images or rows. */
  #scored(logits: string): string {
    const flat = this.#shape(logits).length === 2 ? logits : this.#flatten(logits);
    return this.#op({ op: 'crossEntropy', logits: flat, labels: this.#labels(this.#shape(flat)) }, []);
  }

  #convolve(token: Token, input: string): void {
    const shape = this.#shape(input);
    const [batch, inChannels] = shape as [number, number];
    const sized = (one: KernelWindow) => this.#extents(shape, one);
    const wanted = CONVOLUTIONS[token.option % CONVOLUTIONS.length]!;
    const chosen = Math.min(...sized(wanted)) > 0 ? wanted : CONVOLUTIONS[0]!;
    const { kernel, stride, padding } = chosen;
    const plane = batch * sized(chosen)[0]! * sized(chosen)[1]!;
    const taps = inChannels * kernel[0] * kernel[1];
    const fitting = Math.min(MOST_VALUES / plane, MOST_PRODUCTS / (plane * taps), (2 * MOST_VALUES) / taps);
    const most = Math.max(1, Math.floor(fitting));
    const known = this.#leaves.filter(
      ({ shape: [out, ...rest] }) => same(rest, [inChannels, ...kernel]) && out! <= most,
    );
    const reused = token.flags & REUSED ? pick(known, token.with)?.name : undefined;
    const outChannels = Math.min(most, CHANNELS[token.size % CHANNELS.length]!);
    let weight =
      reused ??
      this.#leaf('w', [outChannels, inChannels, ...kernel], spread(Math.sqrt(3 / taps)), !(token.flags & FROZEN));
    // Weights may be computed, or viewed without their gradient.
    if (token.with % 8 === 6) weight = this.#op({ op: 'relu', input: weight }, this.#shape(weight));
    if (token.with % 8 === 7)
      weight = this.#op({ op: 'view', input: weight, shape: this.#shape(weight) }, this.#shape(weight));
    const out = this.#shape(weight)[0]!;
    const result = [batch, out, ...sized(chosen)];
    if (token.kind === 'convNorm') {
      const norm = this.#norm(token, result);
      if (!norm) return;
      this.#op({ op: 'conv2dBatchNorm2d', input, kernel: weight, ...norm, stride, padding }, result);
      return;
    }
    const bias = token.flags & BIASED ? this.#leaf('w', [out], spread(0.5), !(token.size & 1)) : undefined;
    this.#op({ op: 'conv2d', input, weight, ...(bias !== undefined && { bias }), stride, padding }, result);
  }

  #normalise(token: Token, input: string): void {
    const norm = this.#norm(token, this.#shape(input));
    if (norm) this.#op({ op: 'batchNorm2d', input, ...norm }, this.#shape(input));
  }

  /** Parameters and options of a batch norm for images of this shape. */
  #norm({ flags, option, with: other }: Token, shape: Shape) {
    const [batch, channels, height, width] = shape as [number, number, number, number];
    // With two values per channel the normalised values are ±1, and only rounding depends on the input.
    const training = (flags & TRAINING) > 0 && batch * height * width > 2;
    const known = this.#norms.filter((norm) => norm.channels === channels);
    const inputs = (flags & REUSED ? pick(known, other)?.inputs : undefined) ?? this.#normLeaves(channels, flags);
    const residual = flags & RESIDUAL ? pick(this.#fitting(sameAs(shape), 0), other) : undefined;
    const options = { training, relu: (flags & RELU) > 0, eps: EPSILONS[option % 3]!, momentum: MOMENTA[option % 4]! };
    return { ...inputs, ...(residual !== undefined && { residual }), ...options };
  }

  #normLeaves(channels: number, flags: number): NormInputs {
    const inputs = {
      weight: this.#leaf('w', [channels], { kind: 'uniform', low: 0.5, high: 1.5 }, !(flags & FROZEN)),
      bias: this.#leaf('w', [channels], spread(0.5), !(flags & FROZEN)),
      runningMean: this.#leaf('s', [channels], spread(0.5), false),
      runningVar: this.#leaf('s', [channels], { kind: 'uniform', low: 0.5, high: 1.5 }, false),
    };
    this.#norms.push({ channels, inputs });
    return inputs;
  }

  #pool(token: Token, input: string): void {
    const shape = this.#shape(input);
    const { kernel, stride, padding } = POOLS[token.option % POOLS.length]!;
    const extents = this.#extents(shape, { kernel, stride, padding });
    if (Math.min(...extents) < 1) return;
    this.#op({ op: 'maxPool2d', input, kernelSize: kernel, stride, padding }, [shape[0]!, shape[1]!, ...extents]);
  }

  #linear(token: Token, input: string): void {
    const [batch, features] = this.#shape(input) as [number, number];
    const most = Math.max(1, Math.floor(MOST_VALUES / Math.max(batch, features)));
    const known = this.#leaves.filter(({ shape }) => shape.length === 2 && shape[1] === features && shape[0]! <= most);
    const reused = token.flags & REUSED ? pick(known, token.with)?.name : undefined;
    const out = Math.min(most, FEATURES[token.size % FEATURES.length]!);
    const weight = reused ?? this.#leaf('w', [out, features], spread(Math.sqrt(3 / features)), !(token.flags & FROZEN));
    const outputs = this.#shape(weight)[0]!;
    const bias = token.flags & BIASED ? this.#leaf('w', [outputs], spread(0.5), !(token.size & 1)) : undefined;
    this.#op({ op: 'linear', input, weight, ...(bias !== undefined && { bias }) }, [batch, outputs]);
  }

  #flatten(input: string): string {
    const shape = this.#shape(input);
    return this.#op({ op: 'flatten', input }, [shape[0]!, sizeOf(shape) / shape[0]!]);
  }

  #view(token: Token, input: string): void {
    const shape = this.#shape(input);
    const rest = sizeOf(shape) / (shape[0] ?? 1);
    const shapes = [shape, [shape[0] ?? 1, rest], [shape[0] ?? 1, rest, 1, 1], [1, shape[0] ?? 1, 1, rest]];
    const seen = shapes[token.option % shapes.length]!;
    this.#op({ op: 'view', input, shape: seen }, seen);
  }

  #carry(shape: Shape): void {
    const start = this.#leaf('x', shape, spread(1.7), false);
    this.#starts.push(start);
    this.#op({ op: 'view', input: carriedName(start), shape }, shape);
  }

  /** The last result of a step with the same shape. */
  #carried(start: string): string | undefined {
    const fits = sameAs(this.#shape(start));
    return this.#frames[0]!.made.findLast((name) => !this.#counts.has(name) && fits(this.#shape(name)));
  }

  #labels([count, classes]: Shape): string {
    return this.#leaf('y', [count!], { kind: 'labels', classes: classes! }, false);
  }

  /** Runs `make` on the tensor that a token takes, if there is one. */
  #on(token: Token, fits: (shape: Shape) => boolean, make: (input: string) => void): void {
    const input = pick(this.#fitting(fits, token.flags), token.at);
    if (input !== undefined) make(input);
  }

  /** Possible inputs of an op, the newest first. Parameters are among them only for some tokens. */
  #fitting(fits: (shape: Shape) => boolean, flags: number): string[] {
    const results = this.#frames.flatMap(({ made }) => made).reverse();
    const kinds = flags & OF_PARAMETERS ? ['x', 'w'] : ['x'];
    const leaves = this.#leaves.filter(({ name }) => kinds.includes(name[0]!)).map(({ name }) => name);
    return [...results, ...leaves].filter((name) => !this.#counts.has(name) && fits(this.#shape(name)));
  }

  /** The same for a loss: tensors that require a gradient, if there are any. */
  #learning(fits: (shape: Shape) => boolean): string[] {
    const fitting = this.#fitting(fits, 0);
    const tracked = fitting.filter((name) => this.#tracked.has(name));
    return tracked.length > 0 ? tracked : fitting;
  }

  #extents([, , height, width]: Shape, { kernel, stride, padding }: KernelWindow): [number, number] {
    return [
      convolvedExtent(height!, kernel[0], stride[0], padding[0]),
      convolvedExtent(width!, kernel[1], stride[1], padding[1]),
    ];
  }

  #leaf(kind: string, shape: Shape, values: Distribution, requiresGrad: boolean): string {
    const name = `${kind}${this.#leaves.length}`;
    this.#leaves.push({ name, shape, values, requiresGrad });
    this.#shapes.set(name, shape);
    if (requiresGrad) this.#tracked.add(name);
    return name;
  }

  #shape(name: string): Shape {
    return this.#shapes.get(name)!;
  }

  #op(op: Op, shape: Shape): string {
    const out = `v${this.#results++}`;
    this.#shapes.set(out, shape);
    this.#frames.at(-1)!.made.push(out);
    const recording = this.#frames.every(({ block }) => block !== 'noGrad');
    if (recording && differentiableInputsOf(op).some((name) => this.#tracked.has(name))) this.#tracked.add(out);
    if (op.op === 'countCorrect') this.#counts.add(out);
    this.#emit({ do: 'op', out, op });
    return out;
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
const images = (shape: Shape) => shape.length === 4;
const rows = (shape: Shape) => shape.length === 2;
const same = (a: Shape, b: Shape) => a.length === b.length && a.every((extent, i) => extent === b[i]);
const sameAs = (wanted: Shape) => (shape: Shape) => same(shape, wanted);
const spread = (high: number): Distribution => ({ kind: 'uniform', low: -high, high });

/** The i-th item of a list, modulo its length; undefined for an empty list. */
export function pick<T>(list: readonly T[], i: number): T | undefined {
  return list[i % list.length];
}

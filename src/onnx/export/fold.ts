/**
 * Folds each batch norm into the convolution before it, whose weights and bias then do both: in evaluation a batch norm
 * is a scale and a shift per channel. The sums are taken in double precision.
 */

import { FOLDED } from './ops/normalisations.ts';
import type { Source } from './recorder.ts';
import type { Trace, TracedOp } from './trace.ts';

/** An entry of the state dict on the host. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

export type HostState = ReadonlyMap<string, HostTensor>;

/** The same network with fewer batch norms, and its state dict. */
export function foldBatchNorms(trace: Trace, state: HostState): { readonly trace: Trace; readonly state: HostState } {
  const folder = new Folder(trace, state);
  return { trace: { ...trace, operations: folder.fold() }, state: folder.state };
}

class Folder {
  readonly state: Map<string, HostTensor>;
  readonly #operations: Map<number, TracedOp>;
  /** How often each source is taken. */
  readonly #uses = new Map<string, number>();

  constructor({ operations, output }: Trace, state: HostState) {
    this.state = new Map(state);
    this.#operations = new Map(operations.map((operation) => [operation.index, operation]));
    const sources = operations.flatMap(({ inputs }) => [...inputs.values()]);
    for (const source of [...sources, output]) {
      const key = JSON.stringify(source);
      this.#uses.set(key, (this.#uses.get(key) ?? 0) + 1);
    }
  }

  fold(): TracedOp[] {
    for (const operation of [...this.#operations.values()]) {
      const before = operation.name === 'batchNorm2d' ? this.#convolutionBefore(operation) : undefined;
      if (before) this.#foldInto(before, operation);
    }
    return [...this.#operations.values()];
  }

  /** The convolution whose result nothing but this batch norm takes, if all weights are entries of the state dict. */
  #convolutionBefore({ inputs }: TracedOp): TracedOp | undefined {
    const source = inputs.get('input');
    if (typeof source !== 'object' || source.kind !== 'result' || !this.#isUsedOnce(source)) return undefined;
    const before = this.#operations.get(source.index);
    if (before?.name !== 'conv2d') return undefined;
    const weights = [...before.inputs, ...inputs].filter(([name]) => name !== 'input' && name !== 'residual');
    return weights.every(([, one]) => typeof one === 'object' && one.kind === 'state') ? before : undefined;
  }

  #foldInto(convolution: TracedOp, norm: TracedOp): void {
    const weight = this.#entry(convolution, 'weight')!;
    const bias = this.#entry(convolution, 'bias');
    const [gamma, beta, mean, variance] = ['weight', 'bias', 'runningMean', 'runningVar'].map(
      (name) => this.#entry(norm, name)!.data,
    ) as [Float32Array, Float32Array, Float32Array, Float32Array];
    const eps = norm.options!.eps as number;
    const scales = Float64Array.from(gamma, (value, channel) => value / Math.sqrt(variance[channel]! + eps));
    const perChannel = weight.data.length / scales.length;
    const weights = weight.data.map((value, i) => value * scales[Math.floor(i / perChannel)]!);
    const shifts = Float32Array.from(
      scales,
      (scale, channel) => ((bias?.data[channel] ?? 0) - mean[channel]!) * scale + beta[channel]!,
    );
    const name = (convolution.inputs.get('weight') as { readonly name: string }).name;
    const inputs = new Map(convolution.inputs)
      .set('weight', this.#keep(name, { shape: weight.shape, data: weights }, convolution))
      .set('bias', this.#keep(name.replace(/weight$/, 'bias'), { shape: [scales.length], data: shifts }, convolution));
    this.#operations.set(convolution.index, { ...convolution, inputs });
    const rest = [...norm.inputs].filter(([input]) => input === 'input' || input === 'residual');
    this.#operations.set(norm.index, { ...norm, name: FOLDED, inputs: new Map(rest) });
  }

  #entry({ inputs }: TracedOp, input: string): HostTensor | undefined {
    const source = inputs.get(input);
    return typeof source === 'object' && source.kind === 'state' ? this.state.get(source.name) : undefined;
  }

  /** Puts new values in the place of an entry that nothing else takes, else beside it. */
  #keep(name: string, tensor: HostTensor, { index }: TracedOp): Source {
    const taken = this.state.has(name) && !this.#isUsedOnce({ kind: 'state', name });
    const source: Source = { kind: 'state', name: taken ? `${name}.folded_${index}` : name };
    this.state.set(source.name, tensor);
    return source;
  }

  #isUsedOnce(source: Source): boolean {
    return this.#uses.get(JSON.stringify(source)) === 1;
  }
}

/**
 * Runs a program on dawngrad. All statements run first, because none waits for the device. Then the values that they
 * read are collected. It also notes the ops of each backward, for the finite differences.
 */
import * as engine from '../../src/autograd/index.ts';
import { keep, noGrad, type Shape, scope, Tensor } from '../../src/autograd/index.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { SGD } from '../../src/optim/sgd.ts';
import { forceConv2dVariant, forceLinearVariant, forceMatmulVariant } from '../support/force.ts';
import { runOp } from './ops/index.ts';
import type { Backward, Op, Program, Statement } from './program.ts';
import { startReading, Trace, type TracedBackward } from './trace.ts';
import { drawName, isLabels, type Values, valuesOf } from './values.ts';

/** The values reported under one name; undefined if a leaf has no gradient. */
export type Reported = { readonly shape: Shape; readonly values: Values } | undefined;

export interface RunResult {
  /** Values by label and name, such as `#3 v5` or `#4 w1.grad`. */
  readonly reported: Map<string, Reported>;
  /** Every backward, if `trace` is set. They hold memory until `release`. */
  readonly backwards: readonly TracedBackward[];
  /** Backwards that should have thrown and did not. */
  readonly unthrown: readonly string[];
  /** Frees the copies for finite differences. Returns the number of bytes that the program did not free. */
  readonly release: () => number;
}

export interface RunOptions {
  /** Copy the tensors that finite differences need. */
  readonly trace?: boolean;
  /** Plants an error in the result of an op, to see whether it is found. */
  readonly tamper?: ((op: Op, result: Tensor) => Tensor) | undefined;
}

/** @throws any error that the engine should not throw */
export async function runProgram(gpu: Gpu, program: Program, options: RunOptions = {}): Promise<RunResult> {
  const before = gpu.pool.liveBytes;
  const machine = new Machine(gpu, program, options);
  try {
    machine.run(program.statements);
    machine.end();
    const reported = await machine.collect();
    const backwards = await machine.trace.backwards();
    return {
      reported,
      backwards,
      unthrown: machine.unthrown,
      release: () => {
        machine.trace.release();
        return gpu.pool.liveBytes - before;
      },
    };
  } catch (error) {
    machine.abandon();
    throw error;
  } finally {
    forceConv2dVariant(undefined);
    forceLinearVariant(undefined);
    forceMatmulVariant(undefined);
  }
}

interface Pending {
  readonly name: string;
  readonly shape: Shape;
  readonly values: (() => Promise<Values>) | undefined;
}

class Machine {
  readonly #gpu: Gpu;
  readonly #program: Program;
  readonly #values: Map<string, Values>;
  readonly #tensors = new Map<string, Tensor>();
  readonly #optimizers: readonly SGD[];
  readonly #pending: Pending[] = [];
  readonly #seeds: Tensor[] = [];
  readonly #tamper: RunOptions['tamper'];
  /** Leaves that may have a gradient. */
  readonly #learning: readonly string[];
  readonly trace: Trace;
  readonly unthrown: string[] = [];

  constructor(gpu: Gpu, program: Program, { trace = false, tamper }: RunOptions) {
    this.#gpu = gpu;
    this.#program = program;
    this.#tamper = tamper;
    this.#values = valuesOf(program);
    for (const { name, shape, requiresGrad } of program.leaves) {
      const leaf = Tensor.from(gpu, this.#values.get(name)!, shape) as Tensor;
      leaf.requiresGrad = requiresGrad;
      this.#tensors.set(name, leaf);
    }
    this.#learning = program.leaves
      .filter((leaf) => !isLabels(leaf) && !/^[sk]/.test(leaf.name))
      .map(({ name }) => name);
    this.#optimizers = program.optimizers.map(
      ({ parameters, ...options }) => new SGD(parameters.map(this.#get), { lr: 0, ...options }),
    );
    this.trace = new Trace(gpu, trace, program, this.#get);
  }

  readonly #get = (name: string): Tensor => {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new RangeError(`The program names ${name} before it makes it.`);
    return tensor;
  };

  run(statements: readonly Statement[]): void {
    for (const statement of statements) this.#run(statement);
  }

  #run(statement: Statement): void {
    switch (statement.do) {
      case 'op':
        this.#op(statement.out, statement.op);
        return;
      case 'noGrad':
        this.trace.withoutGradients(() => noGrad(() => this.run(statement.body)));
        return;
      case 'scope':
        scope(() => {
          this.run(statement.body);
          return statement.keep.map(this.#get);
        });
        return;
      case 'dispose':
        this.#get(statement.tensor).dispose();
        return;
      case 'read':
        this.#read(`${statement.label} ${statement.tensor}`, this.#get(statement.tensor));
        return;
      case 'backward':
        this.#backward(statement);
        return;
      case 'requiresGrad':
        this.#get(statement.leaf).requiresGrad = statement.on;
        this.trace.freeze(statement.leaf, !statement.on);
        return;
      case 'set':
        this.#get(statement.leaf).set(this.#values.get(drawName(statement.draw))!);
        this.trace.changed();
        return;
      case 'setGrad':
        this.#get(statement.leaf).grad?.set(this.#values.get(drawName(statement.draw))!);
        return;
      case 'step':
        this.#step(statement.optimizer, statement.lr, statement.label);
        return;
      case 'zeroGrad':
        if ('leaf' in statement) this.#get(statement.leaf).zeroGrad();
        else this.#optimizers[statement.optimizer]!.zeroGrad();
        return;
      case 'force':
        forceConv2dVariant(statement.conv2d);
        forceLinearVariant(statement.linear);
        forceMatmulVariant(statement.matmul);
        return;
    }
  }

  #op(out: string, op: Op): void {
    const traced = this.trace.before(op);
    const result = runOp(op, this.#get);
    this.#tensors.set(out, this.#tamper ? this.#tamper(op, result) : result);
    this.trace.after(out, op, traced);
  }

  #backward(statement: Backward): void {
    const { label, draw, fails } = statement;
    const loss = this.#get(statement.loss);
    const values = draw === undefined ? undefined : (this.#values.get(drawName(draw)) as Float32Array<ArrayBuffer>);
    const seed = values && keep(Tensor.from(this.#gpu, values, statement.shape!));
    if (seed) this.#seeds.push(seed);
    if (fails) {
      try {
        callBackward(loss, seed, statement);
        this.unthrown.push(`${label}: backward of ${statement.loss} should throw (${fails}) and did not`);
      } catch (error) {
        if (!(error instanceof Error) || error instanceof TypeError) throw error;
      }
      return;
    }
    const leaves = this.#learning.map((name) => [name, this.#get(name)] as const).filter(([, leaf]) => !leaf.disposed);
    const weights = values ?? Float32Array.of(statement.seed ?? 1);
    const traced = this.trace.backward(statement.loss, weights, leaves);
    callBackward(loss, seed, statement);
    traced?.gradients();
    if (statement.afterwards === 'overwrite') seed?.set(new Float32Array(loss.size).fill(OVERWRITTEN));
    if (statement.afterwards) seed?.dispose();
    for (const [name, leaf] of leaves) this.#read(`${label} ${name}.grad`, leaf.grad, leaf.shape);
  }

  #step(index: number, lr: number, label: string): void {
    const optimizer = this.#optimizers[index]!;
    optimizer.lr = lr;
    optimizer.step();
    this.trace.changed();
    for (const name of this.#program.optimizers[index]!.parameters) this.#read(`${label} ${name}`, this.#get(name));
  }

  #read(name: string, tensor: Tensor | undefined, shape = tensor?.shape ?? []): void {
    this.#pending.push({ name, shape, values: tensor && startReading(tensor, this.#program.can) });
  }

  /** Disposes all remaining tensors, in the program's order. */
  end(): void {
    for (const name of this.#program.end) {
      const optimizer = /^sgd(\d+)$/.exec(name)?.[1];
      if (optimizer === undefined) this.#get(name).dispose();
      else this.#optimizers[Number(optimizer)]!.dispose();
    }
    for (const seed of this.#seeds) seed.dispose();
    this.#clearTape();
  }

  /** Disposes everything after a failure. */
  abandon(): void {
    for (const tensor of [...this.#tensors.values(), ...this.#seeds]) if (!tensor.disposed) tensor.dispose();
    for (const optimizer of this.#optimizers) optimizer.dispose();
    this.#clearTape();
    this.trace.release();
  }

  /** Engines with one tape per device keep unused graphs on it. If graphs belong to their results, nothing is left. */
  #clearTape(): void {
    if (!this.#program.can.severalGraphs) (engine as { clearTape?: (gpu: Gpu) => void }).clearTape?.(this.#gpu);
  }

  async collect(): Promise<Map<string, Reported>> {
    const reported = new Map<string, Reported>();
    for (const { name, shape, values } of this.#pending) {
      reported.set(name, values && { shape, values: await values() });
    }
    return reported;
  }
}

/** Overwrites a seed once backward has run. */
const OVERWRITTEN = 1000;

type NewBackward = (loss: Tensor, options: { seed?: Tensor | number; retainGraph?: boolean }) => void;

function callBackward(loss: Tensor, seedTensor: Tensor | undefined, { seed, retainGraph }: Backward): void {
  if (seed === undefined && retainGraph === undefined) {
    engine.backward(loss, seedTensor);
    return;
  }
  const start = seedTensor ?? seed;
  (engine.backward as unknown as NewBackward)(loss, {
    ...(start !== undefined && { seed: start }),
    ...(retainGraph !== undefined && { retainGraph }),
  });
}

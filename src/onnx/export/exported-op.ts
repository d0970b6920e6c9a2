/** An op of a network on its way into a graph, as the function sees it that writes its nodes. */

import type { GraphBuilder, GraphValue } from './builder.ts';
import type { Dims } from './dims.ts';
import { OnnxExportError } from './errors.ts';

/** A value with its shape. */
export interface Operand extends GraphValue {
  readonly dims: Dims;
}

/** Writes the nodes of an op, and returns the value that is its result. */
export type OpExporter = (op: ExportedOp, graph: GraphBuilder) => GraphValue;

/** An op with its operands as values of the graph. Options are found by the names of the op's own. */
export class ExportedOp {
  /** The op's name: 'conv2d'. */
  readonly name: string;
  /** The operands, in the op's order; a number in a tensor's place is a constant of shape []. */
  readonly inputs: ReadonlyMap<string, Operand>;
  /** The shape of its result. */
  readonly dims: Dims;
  readonly #options: Readonly<Record<string, unknown>>;

  constructor(
    name: string,
    inputs: ReadonlyMap<string, Operand>,
    options: Readonly<Record<string, unknown>>,
    dims: Dims,
  ) {
    this.name = name;
    this.inputs = inputs;
    this.dims = dims;
    this.#options = options;
  }

  /** @throws OnnxExportError if the op has no such operand */
  input(name: string): Operand {
    const operand = this.inputs.get(name);
    if (operand) return operand;
    throw new OnnxExportError(`${this.name}: has no operand ${name}; it has ${[...this.inputs.keys()].join(', ')}.`);
  }

  /** An option of the op, as `record` was told of it; undefined if it was not. */
  option(name: string): unknown {
    return this.#options[name];
  }

  /** An option that is a number. */
  number(name: string): number {
    return this.option(name) as number;
  }

  /** An option that is a list of numbers. */
  numbers(name: string): readonly number[] {
    return this.option(name) as readonly number[];
  }

  /** An option that is true or false. */
  flag(name: string): boolean {
    return this.option(name) as boolean;
  }

  /** @throws OnnxExportError always */
  fail(reason: string): never {
    throw new OnnxExportError(`${this.name}: ${reason}`);
  }
}

/**
 * Ops as methods of tensors, as torch has them: `x.mul(w).add(b).relu()` is `relu(add(mul(x, w), b))`. Importing this
 * file adds them to `Tensor`. Every entry of the library imports it.
 */
import type { DType, Floating } from './dtype.ts';
import type { Value } from './elementwise.ts';
import * as elementwise from './ops/elementwise.ts';
import { flatten } from './ops/flatten.ts';
import { reshape } from './ops/reshape.ts';
import { Tensor } from './tensor.ts';

/** The op without its first argument, which is the tensor that it is called on. */
type Method<Op> = Op extends (input: Tensor, ...rest: infer Rest) => infer Result
  ? (this: Tensor, ...rest: Rest) => Result
  : never;

type Methods<Ops> = { [Name in keyof Ops]: Method<Ops[Name]> };

/** In torch, `where` is called on the tensor that it takes where the condition holds. */
const where = (a: Tensor, condition: Tensor<'u32'> | Tensor<'i32'>, b: Value) => elementwise.where(condition, a, b);
const OPS = { ...elementwise, where, flatten };

declare module './tensor.ts' {
  interface Tensor<D extends DType = Floating> extends Methods<typeof OPS> {
    /** See the op `reshape`. */
    reshape(shape: Shape): Tensor<D>;
    /** The same as `reshape`, as in torch: it shares the memory, and gradients flow through it. */
    view(shape: Shape): Tensor<D>;
  }
}

for (const [name, op] of Object.entries({ ...OPS, reshape, view: reshape })) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: never[]) {
      return (op as (...all: unknown[]) => unknown)(this, ...rest);
    },
    writable: true,
    configurable: true,
  });
}

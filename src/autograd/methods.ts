/**
 * Ops as methods of tensors, as torch has them: `x.mul(w).add(b).relu()` is `relu(add(mul(x, w), b))`. Importing this
 * file adds them to `Tensor`. Every entry of the library imports it.
 */
import type { DType, Floating } from './dtype.ts';
import type { Value } from './elementwise.ts';
import { argmax, argmin } from './ops/argmax.ts';
import * as elementwise from './ops/elementwise.ts';
import { expand } from './ops/expand.ts';
import { flatten } from './ops/flatten.ts';
import { flip } from './ops/flip.ts';
import { indexSelect } from './ops/index-select.ts';
import { logsumexp } from './ops/logsumexp.ts';
import { matmul } from './ops/matmul.ts';
import { max, min } from './ops/max.ts';
import { narrow } from './ops/pad.ts';
import { permute, transpose } from './ops/permute.ts';
import { reshape } from './ops/reshape.ts';
import { logSoftmax, softmax } from './ops/softmax.ts';
import { squeeze, unsqueeze } from './ops/squeeze.ts';
import { mean, sum } from './ops/sum.ts';
import { Tensor } from './tensor.ts';

/** In torch, `where` is called on the tensor that it takes where the condition holds. */
const where = (a: Tensor, condition: Tensor<'u32'> | Tensor<'i32'>, b: Value) => elementwise.where(condition, a, b);

/** Ops that compute with their input. */
const COMPUTING = {
  ...elementwise,
  ...{ where, matmul, sum, mean, max, min, logsumexp, argmax, argmin, softmax, logSoftmax },
};

/** Ops that move values of any type; `view` is the same as `reshape`, as it shares the memory. */
const MOVING = {
  ...{ reshape, view: reshape, flatten, squeeze, unsqueeze, expand },
  ...{ transpose, permute, flip, narrow, indexSelect },
};

/** Methods that are the ops without their first argument, the tensor that they are called on. */
type Computing<Ops> = {
  readonly [Name in keyof Ops]: Ops[Name] extends (input: Tensor, ...rest: infer Rest) => infer Result
    ? (this: Tensor, ...rest: Rest) => Result
    : never;
};
type Moving<Ops, D extends DType> = {
  readonly [Name in keyof Ops]: Ops[Name] extends (input: never, ...rest: infer Rest) => unknown
    ? (...rest: Rest) => Tensor<D>
    : never;
};

declare module './tensor.ts' {
  interface Tensor<D extends DType = Floating> extends Computing<typeof COMPUTING>, Moving<typeof MOVING, D> {}
}

for (const [name, op] of Object.entries({ ...COMPUTING, ...MOVING })) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: never[]) {
      return (op as (...all: unknown[]) => unknown)(this, ...rest);
    },
    writable: true,
    configurable: true,
  });
}

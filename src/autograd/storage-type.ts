/** Decides in which element type an op stores its tensors: f32, or f16 in inference; or any of four bytes. */
import type { DType } from './dtype.ts';
import { DTypeError, expectDType, expectUsable } from './errors.ts';
import { wouldRecord } from './graph.ts';
import type { Tensor } from './tensor.ts';

type Named = Readonly<Record<string, Tensor | undefined>>;

/**
 * Whether an op stores in f16: it does if its first value is f16. All values must then have one type. Tensors with one
 * entry per channel or feature (biases, statistics) are always f32.
 * @param why the circumstance in which the op needs f32, such as `in training`
 * @throws DTypeError, naming op and tensor, if types are mixed or the op cannot use f16 here
 */
export function storesHalf(op: string, values: Named, singles: Named = {}, why?: string): boolean {
  expectUsable(op, { ...values, ...singles });
  const [[lead, first] = []] = Object.entries(values);
  const half = first?.dtype === 'f16';
  for (const [name, tensor] of Object.entries(values)) {
    if (!tensor || (half && tensor.dtype === 'f16')) continue;
    if (!half && tensor.dtype !== 'f16') {
      expectDType(op, name, tensor, 'f32');
      continue;
    }
    throw new DTypeError(
      `${op}: ${name} must hold ${half ? 'f16' : 'f32'} values as ${lead} does, got ${tensor.dtype}. Convert one of them ` +
        'with toDType, or all weights of a network with its half().',
    );
  }
  for (const [name, tensor] of Object.entries(singles)) if (tensor) expectDType(op, name, tensor, 'f32');
  if (!half) return false;
  const all = [...Object.values(values), ...Object.values(singles)].filter((tensor) => tensor !== undefined);
  const reason = why ?? (wouldRecord(all) ? 'where a gradient is required' : undefined);
  if (reason === undefined) return true;
  throw new DTypeError(
    `${op}: ${lead} must hold f32 values ${reason}, got f16, which is for inference. Use f32, or evaluation ` +
      'mode and noGrad().',
  );
}

/**
 * Returns the tensor, for an op that copies elements by their four bytes, typed as ops and the graph take tensors: one
 * of integers requires no gradient.
 * @throws DTypeError for f16
 */
export function expectWords(op: string, name: string, tensor: Tensor<DType>): Tensor {
  if (tensor.dtype !== 'f16') return tensor as Tensor;
  throw new DTypeError(`${op}: ${name} must hold f32, u32 or i32 values, got f16. Convert it with toDType.`);
}

/** Which element type an op stores its tensors in: f32, or f16 in inference. */
import { DTypeError, expectDType, expectUsable } from './errors.ts';
import { wouldRecord } from './graph.ts';
import type { Tensor } from './tensor.ts';

type Named = Readonly<Record<string, Tensor | undefined>>;

/**
 * Whether an op stores in f16: where its first value does. All values must be of one type then, and what is told of a channel
 * or a feature (biases, statistics) is f32 in any case.
 * @param why what else the op does here that takes f32, such as `in training`
 * @throws DTypeError naming op and tensor where types are mixed, or f16 is not for what is done
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
  const reason = why ?? (wouldRecord(all) ? 'where a gradient is wanted' : undefined);
  if (reason === undefined) return true;
  throw new DTypeError(
    `${op}: ${lead} must hold f32 values ${reason}, got f16, which is for inference. Use f32, or eval mode and noGrad().`,
  );
}

/** kernels.json: how long each kernel of one step took on the device. */
import * as v from 'valibot';

const ms = v.pipe(v.number(), v.finite(), v.minValue(0));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** Later versions may add keys. */
export const KERNEL_TIMES = v.object({
  version: v.literal(1),
  /** What ran: a step that trains, or a forward pass in evaluation mode, which is all that a probe asks of the device. */
  work: v.picklist(['training step', 'forward pass']),
  batchSize: count,
  imageSize: count,
  /** Whether the adapter can time kernels one by one. If not, there are none here. */
  timed: v.boolean(),
  /** Of all kernels together. */
  milliseconds: ms,
  kernels: v.array(
    v.object({
      family: v.string(),
      pass: v.nullable(v.string()),
      kernel: v.string(),
      calls: count,
      milliseconds: ms,
      /** Of the time of all kernels, from 0 to 1. */
      share: v.pipe(v.number(), v.minValue(0), v.maxValue(1 + 1e-6)),
    }),
  ),
});

export type KernelTimes = v.InferOutput<typeof KERNEL_TIMES>;
/** Of all dispatches of one kernel for one kind of work. */
export type KernelTime = KernelTimes['kernels'][number];

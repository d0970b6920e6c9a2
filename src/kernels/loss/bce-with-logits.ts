/** Binary cross entropy of scores, and its gradients. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { defineKernel, launch, type Scalar } from '../kernel.ts';
import { broadcastStrides, shortestWalk, stridesOf } from '../strides.ts';
import { eachOf, type LossRun, type OutputScale, runsExample } from './sum.ts';

/** A tensor that is broadcast to the logits. */
export interface Factor {
  readonly buffer: PooledBuffer;
  readonly shape: readonly number[];
}

/** The logits' shape, and the factors of the loss and of its positive part. */
export interface BceShape {
  readonly shape: readonly number[];
  readonly weight: Factor | undefined;
  readonly posWeight: Factor | undefined;
}

/** Dimensions of the logits at most. */
export const MOST_DIMENSIONS = 8;
/** Dimensions along which a factor can move, because it repeats between two of them. */
const TERMS = MOST_DIMENSIONS / 2;

const NAMES = ['weight', 'posWeight'] as const;
const factorUniforms: Record<string, Scalar> = {};
for (const name of NAMES) {
  for (let d = 0; d < TERMS; d++) {
    for (const part of ['Divide', 'Extent', 'Stride']) factorUniforms[`${name}${part}${d}`] = 'u32';
  }
}
const example = { ...runsExample, weight: true, weightTerms: 1, posWeight: true, posWeightTerms: 2, terms: TERMS };

const forward = defineKernel({
  name: 'bce_with_logits',
  shader: 'loss/bce-with-logits.wgsl',
  bindings: { logits: 'read', wanted: 'read', weight: 'read', posWeight: 'read', output: 'read_write' },
  uniforms: { count: 'u32', ...factorUniforms },
  example,
});

const backward = defineKernel({
  name: 'bce_with_logits_backward',
  shader: 'loss/bce-with-logits-backward.wgsl',
  bindings: {
    ...{ logits: 'read', wanted: 'read', weight: 'read', posWeight: 'read' },
    ...{ outputGrad: 'read', output: 'read_write' },
  },
  uniforms: { count: 'u32', ...factorUniforms, step: 'u32', divisor: 'f32' },
  example: { ...example, ofTarget: false },
});

/** What launches need for the factors. A missing one has another buffer in its place, which is not read. */
function factorsOf(shape: readonly number[], factors: BceShape, inPlace: PooledBuffer) {
  const uniforms: Record<string, number> = {};
  const constants: Record<string, number | boolean> = { terms: TERMS };
  for (const name of NAMES) {
    const factor = factors[name];
    const strides = factor ? broadcastStrides(factor.shape, shape) : shape.map(() => 0);
    const walk = shortestWalk({ extents: shape, strides: [strides] });
    const divides = stridesOf(walk.extents);
    const moves = walk.extents
      .map((extent, axis) => ({ divide: divides[axis]!, extent, stride: walk.strides[0]![axis]! }))
      .filter(({ stride }) => stride > 0);
    for (let d = 0; d < TERMS; d++) {
      const { divide, extent, stride } = moves[d] ?? { divide: 1, extent: 1, stride: 0 };
      uniforms[`${name}Divide${d}`] = divide;
      uniforms[`${name}Extent${d}`] = extent;
      uniforms[`${name}Stride${d}`] = stride;
    }
    constants[name] = factor !== undefined;
    constants[`${name}Terms`] = moves.length;
  }
  const buffers = { weight: factors.weight?.buffer ?? inPlace, posWeight: factors.posWeight?.buffer ?? inPlace };
  return { uniforms, constants, buffers };
}

/** output = the losses, `count` values, each or summed in runs. */
export function bceWithLogits(
  gpu: Gpu,
  count: number,
  size: BceShape,
  run: LossRun,
  buffers: Readonly<Record<'logits' | 'wanted' | 'output', PooledBuffer>>,
): void {
  const factors = factorsOf(size.shape, size, buffers.logits);
  launch(gpu, forward, {
    ...run,
    buffers: { ...buffers, ...factors.buffers },
    uniforms: { count, ...factors.uniforms },
    constants: { ...run.constants, ...factors.constants },
  });
}

/** output = the gradient of the logits, or with `ofTarget` of the target, times outputGrad / divisor. */
export function bceWithLogitsBackward(
  gpu: Gpu,
  count: number,
  size: BceShape,
  { divisor, ofTarget }: { readonly divisor: number; readonly ofTarget: boolean },
  { outputGrad, each }: OutputScale,
  buffers: Readonly<Record<'logits' | 'wanted' | 'output', PooledBuffer>>,
): void {
  const factors = factorsOf(size.shape, size, buffers.logits);
  const run = eachOf(count);
  launch(gpu, backward, {
    ...run,
    buffers: { ...buffers, ...factors.buffers, outputGrad },
    uniforms: { count, ...factors.uniforms, step: each ? 1 : 0, divisor },
    constants: { ...run.constants, ...factors.constants, ofTarget },
  });
}

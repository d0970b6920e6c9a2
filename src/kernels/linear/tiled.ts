/** The fully connected layer for GPUs: tiled products (parts/tiles.wgsl), as in the convolutions. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { defineKernel, launch, type Scalar } from '../kernel.ts';
import { inSlices } from '../sum-slices.ts';
import { DEPTH, TILE, WANTED_WORKGROUPS } from '../tiles.ts';
import { describeLinear, type LinearKernels, type LinearSize } from './shape.ts';

const uniforms = {
  rows: 'u32',
  columns: 'u32',
  depths: 'u32',
  depthsPerSlice: 'u32',
  aRow: 'u32',
  aDepth: 'u32',
  bDepth: 'u32',
  bColumn: 'u32',
} as const satisfies Record<string, Scalar>;

const plain = defineKernel({
  name: 'linear_tiled',
  shader: 'linear/tiled.wgsl',
  bindings: { a: 'read', b: 'read', output: 'read_write' },
  uniforms,
  example: { vector: true, along: true, bias: false },
});

const biased = defineKernel({
  name: 'linear_tiled_bias',
  shader: 'linear/tiled.wgsl',
  bindings: { a: 'read', b: 'read', bias: 'read', output: 'read_write' },
  uniforms,
  example: { vector: true, along: true, bias: true },
});

/** A product of two buffers, [rows, depths] and [depths, columns], and their layout in memory. */
interface Product {
  readonly a: PooledBuffer;
  readonly b: PooledBuffer;
  readonly bias?: PooledBuffer | undefined;
  readonly size: Omit<Record<keyof typeof uniforms, number>, 'depthsPerSlice'>;
}

function multiply(gpu: Gpu, { a, b, bias, size }: Product, output: PooledBuffer, label: string): void {
  const [x, y] = [Math.ceil(size.columns / TILE), Math.ceil(size.rows / TILE)];
  const sum = {
    terms: size.depths,
    count: size.rows * size.columns,
    workgroups: x * y,
    wanted: WANTED_WORKGROUPS,
    leastTerms: DEPTH,
    label,
    multiple: DEPTH,
  };
  inSlices(gpu, sum, output, (target, depthsPerSlice, slices) => {
    const run = {
      constants: {
        vector: size.aDepth === 1 && size.aRow % 4 === 0,
        along: size.bDepth === 1,
        bias: bias !== undefined,
      },
      uniforms: { ...size, depthsPerSlice },
      workgroups: [x, y, slices] as const,
      label,
    };
    if (bias) launch(gpu, biased, { ...run, buffers: { a, b, bias, output: target } });
    else launch(gpu, plain, { ...run, buffers: { a, b, output: target } });
  });
}

function forward(
  gpu: Gpu,
  size: LinearSize,
  input: PooledBuffer,
  weight: PooledBuffer,
  bias: PooledBuffer | undefined,
  output: PooledBuffer,
): void {
  const { rows, inFeatures, outFeatures } = size;
  const product: Product = {
    ...{ a: input, b: weight, bias },
    size: {
      ...{ rows, columns: outFeatures, depths: inFeatures },
      ...{ aRow: inFeatures, aDepth: 1, bDepth: 1, bColumn: inFeatures },
    },
  };
  multiply(gpu, product, output, `linear forward ${describeLinear(size)}`);
}

function inputGrad(
  gpu: Gpu,
  size: LinearSize,
  outputGrad: PooledBuffer,
  weight: PooledBuffer,
  target: PooledBuffer,
): void {
  const { rows, inFeatures, outFeatures } = size;
  const product: Product = {
    ...{ a: outputGrad, b: weight },
    size: {
      ...{ rows, columns: inFeatures, depths: outFeatures },
      ...{ aRow: outFeatures, aDepth: 1, bDepth: inFeatures, bColumn: 1 },
    },
  };
  multiply(gpu, product, target, `linear inputGrad ${describeLinear(size)}`);
}

function weightGrad(
  gpu: Gpu,
  size: LinearSize,
  input: PooledBuffer,
  outputGrad: PooledBuffer,
  target: PooledBuffer,
): void {
  const { rows, inFeatures, outFeatures } = size;
  const product: Product = {
    ...{ a: outputGrad, b: input },
    size: {
      ...{ rows: outFeatures, columns: inFeatures, depths: rows },
      ...{ aRow: 1, aDepth: outFeatures, bDepth: inFeatures, bColumn: 1 },
    },
  };
  multiply(gpu, product, target, `linear weightGrad ${describeLinear(size)}`);
}

export const tiled: LinearKernels = { forward, inputGrad, weightGrad };

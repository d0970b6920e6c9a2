/** Products for CPU adapters: register tiles, and rows passed by subgroup shuffles. */
import type { AdapterTraits, Gpu } from '../../gpu/gpu.ts';
import type { Pooled, PooledBuffer } from '../../gpu/pool.ts';
import { defineKernel, launch } from '../kernel.ts';
import { shuffleLanes } from '../shuffle-lanes.ts';
import { asTexels, copiedAsTexels, fitsTexels, TEXELS_A_LINE } from '../texels.ts';
import {
  type Axis,
  isAlong,
  launchesOf,
  type Product,
  type ProductKernel,
  type ProductRun,
  productUniforms,
} from './product.ts';

const declaration = {
  shader: 'matmul/rows.wgsl',
  uniforms: productUniforms,
} as const;
const example = { lanes: 8, rows: 32, inVectors: false, aAlong: true, bAlong: false, vector: true, bias: true };

/** Loads from textures cost less than half of loads from buffers. */
const texelKernel = defineKernel({
  ...declaration,
  name: 'matmul_rows_texels',
  bindings: { a: 'texture_read', b: 'texture_read', bias: 'read', output: 'read_write' },
  example: { ...example, line: TEXELS_A_LINE },
});
/** For operands that do not fit a texture. */
const bufferKernel = defineKernel({
  ...declaration,
  name: 'matmul_rows',
  bindings: { a: 'read', b: 'read', bias: 'read', output: 'read_write' },
  example: { ...example, line: 0 },
});

/** Columns of an invocation, as in the shader. */
const COLUMNS = 4;
/** Rows of an invocation: 64 where there are more than 32. */
const rowsOf = ({ row }: Product) => (row.extent > 32 ? 64 : 32);

function grid(product: Product, traits: AdapterTraits) {
  const columns = COLUMNS * shuffleLanes(traits);
  return [Math.ceil(product.column.extent / columns), Math.ceil(product.row.extent / rowsOf(product))] as const;
}

/** An operand as lines of adjacent elements. All its axes but the one along a line go from line to line. */
interface Lines {
  readonly width: number;
  readonly lines: number;
}

function linesOf(product: Product, operand: 'a' | 'b', start: number): Lines {
  const { row, column, depth, batch } = product;
  const other = operand === 'a' ? row : column;
  const [along, across] = isAlong(product, operand) ? [depth, other] : [other, depth];
  const between = [across, ...batch].filter((axis: Axis) => axis.extent > 1 && axis[operand] > 0);
  const width = Math.min(...between.map((axis) => axis[operand]), ...(between.length === 0 ? [along.extent] : []));
  const last = between.reduce((sum, axis) => sum + (axis.extent - 1) * axis[operand], start);
  return { width, lines: Math.floor(last / width) + 1 };
}

/** How the kernel loads an operand, and the distances in it. */
interface Loaded {
  readonly operands: Readonly<Record<'a' | 'b', Pooled>>;
  /** Texels per line of the textures; 0 for buffers. */
  readonly line: number;
  /** Whether buffers are loaded in vectors of 4. */
  readonly inVectors: boolean;
  readonly unit: Readonly<Record<'a' | 'b', (elements: number) => number>>;
}

function load(gpu: Gpu, { product, start, a, b, label }: ProductRun, fits: typeof fitsTexels): Loaded {
  const lines = { a: linesOf(product, 'a', start.a), b: linesOf(product, 'b', start.b) };
  const each = <T>(fn: (lines: Lines, operand: 'a' | 'b') => T) => ({ a: fn(lines.a, 'a'), b: fn(lines.b, 'b') });
  const all = Object.values(lines);
  if (all.every((one) => fits(one.lines, one.width))) {
    const copy = ({ lines, width }: Lines, operand: PooledBuffer) =>
      width % 4 === 0 ? copiedAsTexels(gpu, operand, lines * width) : asTexels(gpu, operand, lines, width, label);
    return {
      operands: each((one, operand) => copy(one, { a, b }[operand])),
      line: TEXELS_A_LINE,
      inVectors: false,
      unit: each(
        ({ width }) =>
          (elements) =>
            Math.floor(elements / width) * Math.ceil(width / 4),
      ),
    };
  }
  const inVectors = all.every(({ width }) => width % 4 === 0);
  const unit = (elements: number) => (inVectors ? Math.floor(elements / 4) : elements);
  return { operands: { a, b }, line: 0, inVectors, unit: { a: unit, b: unit } };
}

function launchAll(gpu: Gpu, run: ProductRun, fits: typeof fitsTexels): void {
  const { product, bias, output, label } = run;
  const { operands, line, inVectors, unit } = load(gpu, run, fits);
  const constants = {
    lanes: shuffleLanes(gpu.traits),
    rows: rowsOf(product),
    line,
    inVectors,
    aAlong: isAlong(product, 'a'),
    bAlong: isAlong(product, 'b'),
    vector: product.column.extent % 4 === 0,
    bias: bias !== undefined,
  };
  for (const { uniforms, z } of launchesOf(run, unit)) {
    launch(gpu, line > 0 ? texelKernel : bufferKernel, {
      // Without a bias the shader does not read its binding, but WebGPU requires a buffer there.
      buffers: { ...operands, bias: bias ?? run.b, output },
      uniforms,
      workgroups: [...grid(product, gpu.traits), z],
      constants,
      label,
    });
  }
  if (line > 0) for (const texture of Object.values(operands)) gpu.pool.release(texture);
}

/** @param fits whether lines of a width are copied into a texture, if not those that fit one; for tests */
export function rowsKernel(fits = fitsTexels): ProductKernel {
  return {
    grid,
    wanted: () => 16,
    leastDepths: 256,
    multiple: 4,
    run: (gpu, run) => launchAll(gpu, run, fits),
  };
}

/** Chooses a kernel for a product: a pure function of its size, the adapter and tuning. */
import type { AdapterTraits } from '../../gpu/gpu.ts';
import { MAX_GRID } from '../grid.ts';
import { shuffleLanes } from '../shuffle-lanes.ts';
import { upTo } from '../up-to.ts';
import type { TunedChoices, Work } from '../work.ts';
import { dots } from './dots.ts';
import { describeProduct, type Product, type ProductKernel } from './product.ts';
import { rowsKernel } from './rows.ts';
import { tiled } from './tiled.ts';

const rows = rowsKernel();

/** The simplest first: dot products on any adapter, tiles in workgroup memory for GPUs, in registers for CPUs. */
export const matmulVariants = { dots, tiled, rows } satisfies Record<string, ProductKernel>;
export type MatmulVariant = keyof typeof matmulVariants;

/** A product. A kernel is chosen for it. */
export interface MatmulWork extends Work {
  readonly kind: 'matmul';
  readonly product: Product;
}

/** Its name, such as `matmul 8 of 256x64 * 64x256 nt`, contains everything that the choice depends on. */
export function matmulWork(product: Product): MatmulWork {
  return { kind: 'matmul', name: `matmul ${describeProduct(product)}`, product };
}

export const isMatmulWork = (work: Work): work is MatmulWork => 'kind' in work && work.kind === 'matmul';

/** Returns every variant that can compute the product on this adapter, the simplest first. */
export function matmulCandidates(product: Product, traits: AdapterTraits): MatmulVariant[] {
  const fits = (kernel: ProductKernel) => kernel.grid(product, traits).every((groups) => groups <= MAX_GRID);
  const able = { dots: true, tiled: fits(tiled), rows: shuffleLanes(traits) > 0 && fits(rows) };
  return (Object.keys(matmulVariants) as MatmulVariant[]).filter((variant) => able[variant]);
}

/** A tile has 64 rows and 64 columns. With fewer rows or columns than this, most of it is padding. */
const WORTH_A_TILE = 16;

/** On lavapipe a multiply-add of a dot product takes as long as this many in register tiles, padding included. */
const DOT = 30;

/** The shipped table: tiles, in the memory that the adapter is fast with, if the product fills them at least in part. */
export function tabledMatmul(product: Product, traits: AdapterTraits): MatmulVariant {
  const [height, width] = [product.row.extent, product.column.extent];
  const worth =
    traits.kind === 'cpu'
      ? upTo(32, height) * upTo(32, width) <= DOT * height * width
      : Math.min(height, width) >= WORTH_A_TILE;
  const tiles = traits.kind === 'cpu' ? 'rows' : 'tiled';
  return worth && matmulCandidates(product, traits).includes(tiles) ? tiles : 'dots';
}

/** Returns the tuned variant if it can compute the product, else the shipped table's. */
export function chooseMatmul(work: MatmulWork, traits: AdapterTraits, tuned?: TunedChoices): MatmulVariant {
  const measured = tuned?.size ? tuned.get(work.name) : undefined;
  return (
    matmulCandidates(work.product, traits).find((variant) => variant === measured) ?? tabledMatmul(work.product, traits)
  );
}

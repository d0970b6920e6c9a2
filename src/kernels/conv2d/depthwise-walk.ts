/**
 * How the depthwise kernels divide a plane: an invocation walks down a strip of adjacent columns, and keeps the rows of
 * the input that its next output needs. So it loads each of them once.
 */
import { vectorOf } from '../vector-of.ts';
import { inputColumns, inputLoads } from './input-loads.ts';
import { type JobGeometry, phaseSteps } from './phases.ts';

/** The rows and columns of the input under a strip, which shaders unroll. */
export type Window = {
  readonly tapRows: number;
  readonly tapColumns: number;
  /** Adjacent outputs of a row. */
  readonly pixels: number;
  readonly strideWidth: number;
  readonly dilationWidth: number;
  /** Taps that the window moves down from one output of the walk to the next. */
  readonly shift: number;
  /** Floats per load: 4, 2 or 1. They divide the rows of the input, and the columns that `pixels` outputs move it. */
  readonly inVector: number;
  /** Columns before the first vector of inputs. */
  readonly inAlign: number;
};

/** Returns the lists that the shaders unroll. */
export function unrollWindow(k: Window) {
  const columns = inputColumns(k.pixels, k.tapColumns, k.strideWidth, k.dilationWidth);
  return {
    columns,
    loads: inputLoads(columns, { vector: k.inVector, align: k.inAlign, early: false }),
    /** Rows that the next output of the walk reads again. */
    kept: Math.max(k.tapRows - k.shift, 0),
  };
}

/** The walks over each plane. All are as long, but for the last ones. */
export interface Walks {
  readonly strips: number;
  /** Rows from one output of a walk to the next. With dilation, walks take turns, so that each keeps its own rows. */
  readonly rowStep: number;
  /** Outputs of a walk. */
  readonly rowsPerWalk: number;
  /** Walks down a strip. */
  readonly lines: number;
}

/** Invocations of a workgroup. lavapipe runs eight as one vector; a larger workgroup is a loop over such vectors. */
const WORKGROUPS = { cpu: 8, gpu: 64 } as const;

/** Returns the constants of the shaders, floats per store (or load) of outputs, and the walks over `planes` planes. */
export function planWalks(g: JobGeometry, planes: number, kind: 'cpu' | 'gpu') {
  const pixels = stripPixels(g, kind);
  const constants = { ...windowOf(g, pixels), whole: g.gridWidth % pixels === 0, workgroup: WORKGROUPS[kind] };
  return { constants, outVector: outVectorOf(g, pixels), walks: walksOver(g, planes, pixels, kind) };
}

function windowOf(g: JobGeometry, pixels: number): Window {
  const { tapRows, tapColumns, strideWidth, dilationWidth } = g;
  const inVector = vectorOf(g.inWidth, pixels * strideWidth);
  return {
    ...{ tapRows, tapColumns, pixels, strideWidth, dilationWidth, inVector },
    shift: phaseSteps(g.strideHeight, g.dilationHeight).taps,
    inAlign: ((-g.originColumn % inVector) + inVector) % inVector,
  };
}

function outVectorOf(g: JobGeometry, pixels: number): number {
  return g.outStepWidth === 1 ? vectorOf(g.outWidth, pixels) : 1;
}

/** Walks that keep each kind of device busy, and outputs below which a walk repeats too many rows of the one before. */
const BUSY = { cpu: { walks: 512, leastRows: 8 }, gpu: { walks: 65536, leastRows: 4 } } as const;

/** Cuts planes into walks: whole strips if those are enough, else shorter ones. */
function walksOver(g: JobGeometry, planes: number, pixels: number, kind: 'cpu' | 'gpu'): Walks {
  const rowStep = Math.min(phaseSteps(g.strideHeight, g.dilationHeight).outputs, g.gridHeight);
  const strips = Math.ceil(g.gridWidth / pixels);
  const rows = Math.ceil(g.gridHeight / rowStep);
  const wanted = Math.ceil(BUSY[kind].walks / (planes * strips * rowStep));
  const rowsPerWalk = Math.ceil(rows / Math.min(wanted, Math.ceil(rows / BUSY[kind].leastRows)));
  return { strips, rowStep, rowsPerWalk, lines: rowStep * Math.ceil(rows / rowsPerWalk) };
}

/** Costs on lavapipe, relative to a load or store of a single value: of a value of a vector, and of a product. */
const VECTOR_COST = 0.6;
const PRODUCT_COST = 0.07;
const CPU_PIXELS = [8, 7, 4];

/**
 * Returns the outputs of a row that an invocation computes at once: on GPUs a vector, so that neighbours load adjacent
 * memory; on CPU adapters those that cost least.
 */
function stripPixels(g: JobGeometry, kind: 'cpu' | 'gpu'): number {
  if (kind === 'gpu') return 4;
  const costs = CPU_PIXELS.map((pixels) => Math.ceil(g.gridWidth / pixels) * stripCost(g, pixels));
  return CPU_PIXELS[costs.indexOf(Math.min(...costs))]!;
}

/** The cost of a row of a strip. */
function stripCost(g: JobGeometry, pixels: number): number {
  const costOf = (floats: number) => (floats === 1 ? 1 : floats * VECTOR_COST);
  const window = windowOf(g, pixels);
  const { loads, kept } = unrollWindow(window);
  const inputs = (g.tapRows - kept) * loads.reduce((sum, { floats }) => sum + costOf(floats), 0);
  const vector = outVectorOf(g, pixels);
  return inputs + (pixels / vector) * costOf(vector) + g.tapRows * g.tapColumns * pixels * PRODUCT_COST;
}

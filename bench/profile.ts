/** Times every dispatch of a step, and gathers those of one kernel at one shape in a row. */
import type { Dispatch, Gpu } from '../src/gpu/gpu.ts';
import { type Cost, costOf, KINDS } from './costs.ts';
import type { Copies, MeasuredKind, MeasuredRow, MeasuredWork } from './report.ts';
import { median, quantile, sum } from './statistics.ts';
import { BLOCK, type StepOptions, Steps, type Work } from './steps.ts';
import { recordDispatches, timeAlone, timeCopies, timeDispatches, timingMethod } from './timing.ts';

/** A piece of work: one dispatch, or several that belong together (see `Cost.joins`). */
export interface Piece extends Cost {
  readonly kernel: string;
  readonly dispatches: readonly Dispatch[];
}

export interface TimedPiece extends Piece {
  readonly ms: number;
}

/** Groups a step's dispatches into pieces, in order. */
export function piecesOf(dispatches: readonly Dispatch[]): Piece[] {
  const pieces: Piece[] = [];
  for (const dispatch of dispatches) {
    const cost = costOf(dispatch);
    const kernel = cost.name ?? dispatch.program.name;
    const last = pieces.at(-1);
    if (cost.joins && last?.joins && last.kernel === kernel && last.shape === cost.shape) {
      const flops = (last.flops ?? 0) + (cost.flops ?? 0);
      pieces[pieces.length - 1] = { ...last, flops, dispatches: [...last.dispatches, dispatch] };
    } else {
      pieces.push({ ...cost, kernel, dispatches: [dispatch] });
    }
  }
  return pieces;
}

const rowKey = (piece: Piece) => `${piece.kernel} ${piece.shape}`;

/**
 * The rows of several steps, the slowest first.
 * @param steps pieces of each step
 */
export function gatherRows(steps: readonly (readonly TimedPiece[])[]): MeasuredRow[] {
  const keys = new Set(steps.flat().map(rowKey));
  const rows = [...keys].map((key): MeasuredRow => {
    const groups = steps.map((pieces) => pieces.filter((piece) => rowKey(piece) === key));
    const all = groups.flat();
    const { kernel, kind, shape, flops, bytes } = all[0]!;
    const ms = median(all.map((piece) => piece.ms));
    return {
      kernel,
      kind,
      shape,
      perStep: all.length / steps.length,
      ms,
      msPerStep: median(groups.map((pieces) => sum(pieces.map((piece) => piece.ms)))),
      flops: flops ?? null,
      bytes: bytes ?? null,
      gflops: flops === undefined ? null : rate(flops, ms),
      gbs: bytes === undefined ? null : rate(bytes, ms),
    };
  });
  return rows.sort((a, b) => b.msPerStep - a.msPerStep);
}

/** Sums rows by kind. A kind's rate includes the time of its kernels that do no relevant arithmetic. */
export function gatherKinds(rows: readonly MeasuredRow[]): MeasuredKind[] {
  const kinds = KINDS.map((kind): MeasuredKind => {
    const own = rows.filter((row) => row.kind === kind);
    const msPerStep = sum(own.map((row) => row.msPerStep));
    const flops = sum(own.map((row) => (row.flops ?? 0) * row.perStep));
    return {
      kind,
      pieces: sum(own.map((row) => row.perStep)),
      msPerStep,
      gflops: flops > 0 ? rate(flops, msPerStep) : null,
    };
  });
  return kinds.filter((kind) => kind.pieces > 0).sort((a, b) => b.msPerStep - a.msPerStep);
}

/** 10^9 per second; null if the clock measured no time. */
function rate(amount: number, ms: number): number | null {
  return ms > 0 ? amount / ms / 1e6 : null;
}

export interface ProfileOptions extends StepOptions {
  /** Number of timed steps. */
  readonly steps: number;
  /** Repeats each piece alone instead of timing it in real steps. Always so without timestamps. */
  readonly alone?: boolean;
  /** Selects the pieces to repeat alone; all by default. */
  readonly wanted?: (text: string) => boolean;
}

/** Times whole steps and their kernels in turn. */
export async function profileWork(gpu: Gpu, work: Work, options: ProfileOptions): Promise<MeasuredWork> {
  const inSteps = !options.alone && timingMethod(gpu) === 'timestamps';
  const steps = new Steps(gpu, work, options);
  try {
    await steps.warmUp();
    const walls: number[] = [];
    const timed: TimedPiece[][] = [];
    for (let done = 0; done < options.steps; done += BLOCK) {
      const count = Math.min(BLOCK, options.steps - done);
      walls.push(await steps.block(count));
      if (!inSteps) continue;
      for (let i = 0; i < count; i++) timed.push(await timeStep(gpu, steps));
    }
    const pieces = timed[0] ?? piecesOf(recordDispatches(gpu, () => steps.submit().dispose()));
    if (!inSteps) timed.push(await timePiecesAlone(gpu, pieces, options.wanted));
    const copies = await timeCopies(gpu, () => steps.submit().dispose());
    return summarize(work, walls, pieces, timed, copies);
  } finally {
    steps.dispose();
  }
}

async function timeStep(gpu: Gpu, steps: Steps): Promise<TimedPiece[]> {
  const { dispatches, ms } = await timeDispatches(gpu, () => steps.submit().dispose());
  let next = 0;
  return piecesOf(dispatches).map((piece) => {
    const first = next;
    next += piece.dispatches.length;
    return { ...piece, ms: sum(ms.slice(first, next)) };
  });
}

/** Times each wanted kernel at each shape, repeated alone. */
async function timePiecesAlone(gpu: Gpu, pieces: readonly Piece[], wanted: (text: string) => boolean = () => true) {
  const times = new Map<string, number>();
  for (const piece of pieces) {
    const key = rowKey(piece);
    if (times.has(key) || !wanted(key)) continue;
    times.set(key, await timeAlone(gpu, piece.dispatches));
  }
  return pieces.flatMap((piece): TimedPiece[] => {
    const ms = times.get(rowKey(piece));
    return ms === undefined ? [] : [{ ...piece, ms }];
  });
}

/** @param pieces of one step, whether timed or not */
function summarize(
  work: Work,
  walls: readonly number[],
  pieces: readonly Piece[],
  timed: readonly TimedPiece[][],
  copies: Copies,
): MeasuredWork {
  const kernels = gatherRows(timed);
  const wallMs = median(walls);
  const flops = sum(pieces.map((piece) => piece.flops ?? 0));
  return {
    work,
    wallMs,
    wallQuartilesMs: [quantile(walls, 0.25), quantile(walls, 0.75)],
    kernelMs: median(timed.map((one) => sum(one.map((piece) => piece.ms)))),
    dispatches: sum(pieces.map((piece) => piece.dispatches.length)),
    copies,
    flops,
    gflops: flops / wallMs / 1e6,
    kernels,
    kinds: gatherKinds(kernels),
  };
}

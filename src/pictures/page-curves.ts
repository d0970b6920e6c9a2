/** Loss and accuracy over the epochs as SVG for a page: in the page's colours and font. */
import { panelForPage } from './chart.ts';
import { type CurvePoint, rateSteps } from './curves.ts';
import { type Panels, panelsOf } from './panels.ts';

/** A panel of lines. */
export interface PageCurve {
  readonly title: string;
  /** Units of `svg`. */
  readonly width: number;
  readonly height: number;
  /** The content of an SVG element; it holds no text from files. */
  readonly svg: string;
}

/** A run and how its lines look. */
export interface PageRun {
  readonly points: readonly CurvePoint[];
  /** CSS colours; val's lines are full, train's are dashed. */
  readonly colours: Readonly<Record<CurvePoint['phase'], string>>;
  /** Epoch of the best weights; null for none. */
  readonly bestEpoch: number | null;
}

/** As wide as a telephone, so that its text is readable there. */
const SIZE = { width: 340, height: 236 } as const;

/** @param runs at least one, each with at least one point; the learning rate's steps are shown for one run only */
export async function pageCurves(runs: readonly PageRun[]): Promise<PageCurve[]> {
  const series = runs.flatMap(({ points, colours }) =>
    (['train', 'val'] as const).map((phase) => ({
      name: phase,
      style: {
        colour: colours[phase],
        width: 2,
        filled: phase === 'val',
        ...(phase === 'train' && { dashes: '6 4' }),
      },
      points: points.filter((point) => point.phase === phase),
    })),
  );
  const [only] = runs;
  const best =
    runs.length === 1
      ? only!.points.find(({ phase, epoch }) => phase === 'val' && epoch === only!.bestEpoch)
      : undefined;
  const panels: Panels = {
    series: series.filter(({ points }) => points.length > 0),
    steps: runs.length === 1 ? rateSteps(only!.points) : [],
    best: best && { point: best, label: '' },
  };
  const sides = panelsOf(panels, SIZE);
  return Promise.all(sides.map(async ({ title, panel }) => ({ title, ...SIZE, svg: await panelForPage(panel) })));
}

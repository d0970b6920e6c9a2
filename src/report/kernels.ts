/** What the device did: the share of each kind of work in the time of a step, and which kernels it ran. */
import { type Html, html, plain } from './html.ts';
import type { KernelTime, KernelTimes } from './kernel-times.ts';
import type { RunConfig, RunRecord } from './run-record.ts';
import { bar, dataTable, pairs } from './section.ts';
import { counted, milliseconds, percent, whole } from './words.ts';

const PASSES: Readonly<Record<string, string>> = {
  forward: 'Convolution, forward',
  inputGrad: 'Convolution, gradient of its input',
  weightGrad: 'Convolution, gradient of its weights',
};

const FAMILIES: Readonly<Record<string, string>> = {
  conv2d: 'Convolution, weights made ready',
  'batch-norm': 'Batch norm',
  pooling: 'Pooling',
  linear: 'Last layer',
  matmul: 'Last layer',
  loss: 'Loss and accuracy',
  optim: 'Update of the weights',
  elementwise: 'Sums and ReLU',
};

const workOf = ({ family, pass }: KernelTime): string => PASSES[pass ?? ''] ?? FAMILIES[family] ?? plain(family);

export function kernelShares({ kernelTimes, config }: RunRecord): Html {
  return html`<h3>Where a step's time goes</h3>${kernelTimes?.timed ? shares(kernelTimes) : html`<p>${untimed(kernelTimes)}</p>`}
    ${kernelChoices(config.kernels)}`;
}

function untimed(times: KernelTimes | undefined): string {
  return times
    ? 'This adapter has no timestamp queries, so the kernels cannot be timed one by one.'
    : 'No step of this run was timed; npm run bench times the kernels of this adapter.';
}

function shares(times: KernelTimes): Html {
  const { work, batchSize, imageSize, milliseconds: total, kernels } = times;
  const works = byWork(kernels);
  const [most] = works;
  return html`<p>One ${work} on ${counted(batchSize, 'picture')} of ${imageSize} × ${imageSize} pixels keeps the kernels busy for
    <b>${milliseconds(total)}</b>${most && html`, and <b>${Math.round(most.share * 100)} %</b> of that is ${most.name.charAt(0).toLowerCase() + most.name.slice(1)}`}.
    It was timed on the device after the run, kernel by kernel, without reading pictures and without waiting.</p>
    ${dataTable('Share of each kind of work', workColumns, works)}
    <details><summary>Each of the ${kernels.length} kernels</summary>${dataTable('Time of each kernel', kernelColumns, kernels)}</details>`;
}

interface WorkTime extends Pick<KernelTime, 'calls' | 'milliseconds' | 'share'> {
  readonly name: string;
}

/** The kernels of one kind of work together, the longest first. */
function byWork(kernels: readonly KernelTime[]): WorkTime[] {
  const works = new Map<string, WorkTime>();
  for (const kernel of kernels) {
    const name = workOf(kernel);
    const { calls, milliseconds, share } = works.get(name) ?? { calls: 0, milliseconds: 0, share: 0 };
    works.set(name, {
      name,
      calls: calls + kernel.calls,
      milliseconds: milliseconds + kernel.milliseconds,
      share: share + kernel.share,
    });
  }
  return [...works.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}

const timeColumns = [
  { title: 'Runs', cell: ({ calls }: Times) => whole(calls), value: ({ calls }: Times) => calls },
  {
    title: 'Time',
    cell: (row: Times) => milliseconds(row.milliseconds),
    value: (row: Times) => row.milliseconds,
  },
  {
    title: 'Share',
    cell: ({ share }: Times) => html`${percent(share)} ${bar(share)}`,
    value: ({ share }: Times) => share,
  },
];
type Times = Pick<KernelTime, 'calls' | 'milliseconds' | 'share'>;

const workColumns = [{ title: 'Work', cell: ({ name }: WorkTime) => name }, ...timeColumns];

const kernelColumns = [
  { title: 'Kernel', cell: ({ kernel }: KernelTime) => plain(kernel) },
  { title: 'Work', cell: workOf },
  ...timeColumns,
];

function kernelChoices(kernels: RunConfig['kernels']): Html | undefined {
  const entries = Object.entries(kernels);
  if (entries.length === 0) return undefined;
  const variants = new Map<string, number>();
  for (const [, variant] of entries) variants.set(variant, (variants.get(variant) ?? 0) + 1);
  const summary = [...variants]
    .sort((a, b) => b[1] - a[1])
    .map(([variant, count]) => `${plain(variant)} ${whole(count)}`);
  return html`<details><summary>${counted(entries.length, 'kernel choice')}: ${summary.join(', ')}</summary>
    <p class="quiet">Several kernels can do this work. These are the variants that the run chose.</p>
    ${pairs(
      'Kernel choices',
      entries.map(([work, variant]) => [plain(work), plain(variant)] as const),
    )}</details>`;
}

/** How the run was set up, and on what it ran. */
import { html, plain } from './html.ts';
import { kernelShares } from './kernels.ts';
import type { RunConfig, RunRecord } from './run-record.ts';
import { pairs, type Section } from './section.ts';
import { lastPart, withoutPath } from './words.ts';

/** What other sections tell, and what is no setting. */
const ELSEWHERE = new Set([
  'dawngrad',
  'node',
  'demo',
  'data',
  'classes',
  'pictures',
  'fingerprint',
  'skipped',
  'adapter',
  'checks',
  'kernels',
  'kernelChoice',
  'segments',
  'weights',
]);

/** Settings that config.json holds, with their defaults, also where others leave them without effect. */
function withoutEffect(config: RunConfig): ReadonlySet<string> {
  const { optimizer, schedule = 'step', patience } = config as Readonly<Record<string, unknown>>;
  return new Set([
    // That of AdamW is another, and one cycle moves it.
    ...(optimizer === 'adamw' || schedule === 'onecycle' ? ['momentum'] : []),
    ...(schedule === 'step' ? [] : ['stepSize', 'gamma']),
    ...(patience === 0 ? ['minEpochs'] : []),
  ]);
}

const TITLES: Readonly<Record<string, string>> = {
  batchSize: 'Pictures in a batch',
  lr: 'Learning rate',
  stepSize: 'Epochs until the learning rate falls',
  gamma: 'It falls by the factor',
  imageSize: 'Side of the input, pixels',
  'input.crop': 'Side of the crop, pixels',
  'input.resize': 'Shorter side before the crop, pixels',
  'input.interpolation': 'Resized by',
  'input.mean': 'Mean of the channels',
  'input.std': 'Deviation of the channels',
  architecture: 'Network',
  lastLayer: 'Last layer',
  onDivergence: 'If training diverges',
  watchdog: 'Watchdog, seconds',
};

/** The settings that had an effect, as texts by name, in the order of config.json; inner ones as `augment.kind`. No paths of the machine. */
export function settingsOf(config: RunConfig): Map<string, string> {
  const settings = new Map<string, string>();
  const { weights } = config as { readonly weights?: { readonly file?: unknown } | null };
  settings.set('weights', typeof weights?.file === 'string' ? lastPart(weights.file) : 'none: drawn');
  const add = (name: string, value: unknown) => {
    if (value === undefined || value === null) return;
    if (typeof value === 'object' && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) add(`${name}.${key}`, inner);
      return;
    }
    settings.set(
      name,
      Array.isArray(value) ? value.map((one) => withoutPath(String(one))).join(', ') : withoutPath(String(value)),
    );
  };
  const idle = withoutEffect(config);
  for (const [name, value] of Object.entries(config)) if (!ELSEWHERE.has(name) && !idle.has(name)) add(name, value);
  return settings;
}

/** `Weight decay` of `weightDecay`. */
export function titleOf(name: string): string {
  const words =
    TITLES[name] ?? name.replaceAll(/([a-z])([A-Z])/g, (_, before, after) => `${before} ${after.toLowerCase()}`);
  return plain(words.charAt(0).toUpperCase() + words.slice(1));
}

export function settingsSection({ config }: RunRecord): Section {
  const rows = [...settingsOf(config)].map(([name, value]) => [titleOf(name), plain(value)] as const);
  return { id: 'settings', title: 'Settings', body: pairs('Settings', rows) };
}

export function deviceSection(record: RunRecord): Section {
  const { config, summary, metrics } = record;
  const { adapter, dawngrad, node } = config;
  const trained = metrics.filter(({ phase }) => phase === 'train');
  const speed = trained.at(-1)?.imagesPerSecond;
  const segments = summary?.segments ?? [];
  const rows = [
    ['Adapter', plain(adapter.description)],
    ['Kind', adapter.kind === 'software' ? 'software: the processor computes, without a GPU' : 'hardware'],
    ['dawngrad', plain(dawngrad)],
    ['Node', plain(node)],
    ...(speed !== undefined && Number.isFinite(speed)
      ? [['Training speed', `${Number(speed.toPrecision(3))} pictures a second`]]
      : []),
    ...(segments.length > 1 ? [['Starts', `${segments.length}: it was stopped and went on`]] : []),
  ] as [string, string][];
  return { id: 'device', title: 'The device', body: html`${pairs('Device', rows)}${kernelShares(record)}` };
}

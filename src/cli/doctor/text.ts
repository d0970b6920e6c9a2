/** The diagnosis as text for people: facts under short headings, then the verdict. */
import { homedir } from 'node:os';
import type { AdapterPreference } from '../../gpu/dawn.ts';
import type { CacheFolder, Diagnosis, FoundAdapter, Host, Probe } from './types.ts';

/** Features that kernels or timings use if the adapter has them. */
const USED_FEATURES = ['subgroups', 'timestamp-query'];

/** Limits that decide what can be trained, and how. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBuffersPerShaderStage',
];

const HEAD_COLUMN = 12;

export function diagnosisText(diagnosis: Diagnosis, home: string = homedir()): string {
  const { host, probe, asked } = diagnosis;
  const adapter = probe.answers.find((answer) => answer.asked === asked)?.found;
  const sections: [head: string, lines: string[]][] = [
    ['System', [`${host.system}, ${host.platform}`, machineLine(host)]],
    ['Versions', [versionsLine(host)]],
    ...(adapter ? adapterSections(adapter) : []),
    ['Adapters', adapterLines(probe, asked)],
    ...(probe.check ? [['Kernels', kernelLines(probe.check.kernels)] as [string, string[]]] : []),
    ['Check', [checkLine(probe)]],
    ['Pictures', [host.picturesFailure ? 'cannot be decoded' : 'can be decoded']],
    ['Caches', host.caches.map((cache) => cacheLine(cache, home))],
    ...(host.variables.length > 0 ? [['Variables', [...host.variables]] as [string, string[]]] : []),
  ];
  const facts = sections.flatMap(([head, lines]) =>
    lines.map((line, i) => `${(i === 0 ? head : '').padEnd(HEAD_COLUMN)} ${line}`.trimEnd()),
  );
  return `${[...facts, '', ...verdict(diagnosis)].join('\n')}\n`;
}

function verdict({ good, problems, advice, probe }: Diagnosis): string[] {
  if (good) return ['All good: dawngrad can train here.'];
  const log = probe.log.length > 0 ? ['Messages on stderr:', ...probe.log.map((line) => `  ${line}`)] : [];
  return [...problems, ...log, '', 'What to do:', ...advice.map((line) => `  ${line}`)];
}

function adapterSections(adapter: FoundAdapter): [head: string, lines: string[]][] {
  const { vendor, architecture, device, description, software, backend, subgroup, features, limits } = adapter;
  const named = Object.entries({ vendor, architecture, device }).filter(([, value]) => value !== '');
  const used = USED_FEATURES.map((name) => {
    if (!features.includes(name)) return `no ${name}`;
    return name === 'subgroups' && subgroup ? `${name} (of ${range(subgroup)} invocations)` : name;
  });
  const others = features.filter((name) => !USED_FEATURES.includes(name));
  return [
    ['Adapter', [software ? 'software: computes on the CPU' : 'hardware']],
    ['Driver', [description || '(without a name)', named.map((pair) => pair.join(' ')).join(', ')]],
    ['Backend', [backend ?? 'unknown']],
    ['Features', [`used: ${used.join(', ')}`, ...wrap(`others: ${others.join(', ') || 'none'}`, 100)]],
    ['Limits', LIMITS.filter((name) => name in limits).map((name) => limitLine(name, limits[name]!))],
  ];
}

function range([least, most]: readonly [number, number]): string {
  return least === most ? `${least}` : `${least} to ${most}`;
}

function limitLine(name: string, value: number): string {
  return `${name.padEnd(34)} ${name.endsWith('Size') ? byteText(value) : value.toLocaleString('en-US')}`;
}

/** A line per kind of adapter. An adapter that an earlier line names is not named again. */
function adapterLines({ answers }: Probe, asked: AdapterPreference): string[] {
  if (answers.length === 0) return ['none answered'];
  const first = new Map<string, AdapterPreference>();
  return answers.map(({ asked: kind, found }) => {
    const head = `${kind.padEnd(17)} `;
    if (!found) return `${head}none`;
    const key = `${found.description} ${found.device}`;
    const same = first.get(key);
    if (same) return `${head}the same as ${same}`;
    first.set(key, kind);
    return `${head}${found.description || found.device}${kind === asked ? ' (examined here)' : ''}`;
  });
}

/** A line per variant with the works that it does. */
function kernelLines(kernels: Readonly<Record<string, string>>): string[] {
  const works = new Map<string, string[]>();
  for (const [work, variant] of Object.entries(kernels)) {
    // Drops the shape: "conv2d forward 2x5x13x19 -> 7, …".
    const name = work.split(' ').slice(0, 2).join(' ');
    works.set(variant, [...(works.get(variant) ?? []), name]);
  }
  return [...works].map(([variant, names]) => `${variant}: ${names.join(', ')}`);
}

function checkLine({ check, failure }: Probe): string {
  if (!check) return failure ? 'did not run' : 'no result';
  const result =
    check.wrong === 0 ? `all ${check.values} values correct` : `${check.wrong} of ${check.values} values wrong`;
  return `${check.what}: ${result} (${(check.ms / 1000).toFixed(1)} s, including compilation)`;
}

function versionsLine({ versions }: Host): string {
  const { dawngrad, node, webgpu, sharp, libvips } = versions;
  return `dawngrad ${dawngrad}, Node ${node}, webgpu (Dawn) ${webgpu}, sharp ${sharp} with libvips ${libvips}`;
}

function machineLine({ cores, memory }: Host): string {
  const limit = memory.limit === null ? '' : `, of which this process may use ${byteText(memory.limit)}`;
  return `${cores} ${cores === 1 ? 'core' : 'cores'}, ${byteText(memory.total)} of memory, ${byteText(memory.free)} free${limit}`;
}

function cacheLine({ what, path, bytes }: CacheFolder, home: string): string {
  const shown = path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
  return `${what}: ${shown}, ${bytes === null ? 'not there yet' : byteText(bytes)}`;
}

/** `4.0 GiB`, in the largest unit that gives at least 1. */
export function byteText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  return power === 0 ? `${bytes} bytes` : `${(bytes / 2 ** (10 * power)).toFixed(1)} ${units[power]}`;
}

/** Breaks at spaces, so that no line is longer than `width` unless a single word is. */
function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1)!;
    if (last !== '' && last.length + 1 + word.length > width) lines.push(`  ${word}`);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}

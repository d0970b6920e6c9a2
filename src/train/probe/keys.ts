/** Names for features: what decides them, as hashes. */
import { createHash } from 'node:crypto';
import { fileContentHashes } from '../../data/index.ts';
import type { AdapterTraits } from '../../gpu/gpu.ts';
import { type InputSpec, writtenInput } from '../../input-spec.ts';
import { netOfStart, type Start } from '../../models/start.ts';
import { engineVersion } from '../../plan/index.ts';
import { countNumbers } from '../../weights/index.ts';
import type { PictureSet } from '../pictures.ts';

/** Whatever decides the features of every picture. */
export interface NetworkFacts {
  readonly start: Pick<Start, 'architecture' | 'net' | 'checkpoint'>;
  readonly input: InputSpec;
  /** Whether pictures stay as they are stored. */
  readonly ignoreOrientation: boolean;
  readonly traits: AdapterTraits;
  /** The kernel variant of each convolution, which decides the last bits. */
  readonly convolutions: Readonly<Record<string, string>>;
}

/** Names the folder of the features of one network on one adapter. */
export function networkKey({ start, input, ignoreOrientation, traits, convolutions }: NetworkFacts): string {
  const hash = createHash('sha256');
  const { kind, vendor, architecture, description } = traits;
  const network = [
    start.architecture,
    input.crop,
    engineVersion(),
    kind,
    vendor,
    architecture,
    description,
    convolutions,
  ];
  const ownInput = writtenInput(input, start.architecture);
  const facts = [...network, ...(ignoreOrientation ? ['as stored'] : []), ...(ownInput ? [ownInput] : [])];
  hash.update(JSON.stringify(facts));
  if (start.net?.graph !== undefined) hash.update(start.net.graph);
  // The last layer decides no feature.
  const lastLayer = `${netOfStart(start).headName}.`;
  const tensors = [...start.checkpoint!.tensors].filter(([name]) => !name.startsWith(lastLayer));
  for (const [name, { shape, data }] of tensors.sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name} ${shape.join()}\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, 4 * countNumbers(shape)));
  }
  return hash.digest('hex').slice(0, 32);
}

/**
 * The SHA-256 of each file by its path. Of one that cannot be read, the path itself: reading it again will tell why.
 */
export async function contentsOf(sets: readonly PictureSet[], maxPixels: number): Promise<Map<string, string>> {
  const paths = sets.flatMap(({ samples }) => samples.map(({ path }) => path));
  const hashes = await fileContentHashes(paths, maxPixels);
  return new Map(paths.map((path, i) => [path, hashes[i] ?? `${UNREAD}${path}`]));
}

const UNREAD = 'unread ';

/** Whether features under this name may be kept: the content of the file is known. */
export function isKnown(row: string): boolean {
  return !row.startsWith(UNREAD);
}

/** Names a picture's features: of the centre for view 0, else of a crop that is drawn by this seed and policy. */
export function rowName(content: string, view: number, seed: number, augment?: string): string {
  if (view === 0) return content;
  return [content, `${seed}.${view}`, ...(augment === undefined ? [] : [augment])].join(' ');
}

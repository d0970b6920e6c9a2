/** Every architecture that the commands know, by torchvision's name. A family is one line here. */
import { OptionError } from '../autograd/errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Init } from '../nn/init.ts';
import type { Classifier } from './classifier.ts';
import { CONVNEXTS } from './convnext.ts';
import { EFFICIENTNETS } from './efficientnet.ts';
import { MOBILENETS_V2 } from './mobilenet-v2.ts';
import { MOBILENETS_V3 } from './mobilenet-v3.ts';
import type { Entries, NamedShape, Net } from './net.ts';
import { RESNETS } from './resnets.ts';
import { ARCHITECTURES, type Architecture } from './types.ts';

export type { Entries, NamedShape, Net } from './net.ts';

/** All nets, family by family. */
export const NETS: readonly Net[] = [...RESNETS, ...MOBILENETS_V2, ...MOBILENETS_V3, ...EFFICIENTNETS, ...CONVNEXTS];

const BY_NAME: ReadonlyMap<string, Net> = new Map(NETS.map((net) => [net.name, net]));

/** Each of the names by which a network is found in a checkpoint, once. */
export const MARKS: readonly string[] = [...new Set(NETS.flatMap(({ marks }) => marks))];

/** The net of this name. @throws OptionError if none has it */
export function netOf(name: Architecture): Net {
  const net = BY_NAME.get(name);
  if (net) return net;
  throw new OptionError(`architecture: expected ${ARCHITECTURES.join(', ')}, got ${JSON.stringify(name)}.`);
}

/** The net that has these entries, under torchvision's names; undefined if none is known. */
export function netWith(entries: Entries): Net | undefined {
  return NETS.find((net) => net.fits(entries));
}

/**
 * Entries under timm's names by torchvision's names.
 * @returns each entry's new name and shape, by its old name; undefined if they are not timm's of a known net
 */
export function fromTimm(entries: Entries): ReadonlyMap<string, NamedShape> | undefined {
  for (const net of NETS) {
    const renamed = net.fromTimm && renameAll(entries, net.fromTimm);
    if (renamed && net.fits(new Map([...renamed.values()].map(({ name, shape }) => [name, { shape }])))) return renamed;
  }
  return undefined;
}

function renameAll(entries: Entries, rename: NonNullable<Net['fromTimm']>): Map<string, NamedShape> | undefined {
  const renamed = new Map<string, NamedShape>();
  for (const [old, { shape }] of entries) {
    const entry = rename(old, shape);
    if (!entry) return undefined;
    renamed.set(old, entry);
  }
  return renamed;
}

/**
 * Builds a network by torchvision's name, such as `mobilenet_v3_small`: what `torchvision.models` has under it.
 * @param options the source of its weights, and the outputs of its last layer: by default ImageNet's 1000
 * @throws OptionError
 */
export function classifier(gpu: Gpu, name: Architecture, options: Init & { readonly classes?: number }): Classifier {
  return netOf(name).build(gpu, options);
}

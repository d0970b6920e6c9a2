/**
 * timm's names of entries in MobileNets and EfficientNets to torchvision's (R. Wightman, pytorch-image-models,
 * `_efficientnet_blocks.py`).
 */
import type { NamedShape, Net } from './net.ts';

/** A block under both names. */
export interface TimmBlock {
  /** timm's name of it, `blocks.2.0`. */
  readonly timm: string;
  /** torchvision's name of its chain of layers, `features.4.block`. */
  readonly at: string;
  /** Whether it begins with a 1×1 convolution. timm gives a block without one other names. */
  readonly expands: boolean;
  /** Whether it weighs its channels. */
  readonly squeezes: boolean;
  /** torchvision's names of its last convolution and batch norm. By default those of a chain of the last place. */
  readonly narrows?: readonly [conv: string, norm: string];
}

/**
 * Renames entries: those of the stem, of the blocks, and of the layers in `head`, each by its module's name. A 1×1 convolution
 * that is a linear layer in torchvision gets its shape.
 */
export function timmRenamer(
  blocks: readonly TimmBlock[],
  head: Readonly<Record<string, string>>,
): NonNullable<Net['fromTimm']> {
  const modules = new Map<string, string>([
    ['conv_stem', 'features.0.0'],
    ['bn1', 'features.0.1'],
    ...Object.entries(head),
    ...blocks.flatMap(modulesOf),
  ]);
  return (name, shape) => {
    const dot = name.lastIndexOf('.');
    const module = modules.get(name.slice(0, dot));
    return module === undefined ? undefined : named(`${module}${name.slice(dot)}`, shape);
  };
}

function named(name: string, shape: readonly number[]): NamedShape {
  const isLinear = name.startsWith('classifier.') && shape.length === 4 && shape[2] === 1 && shape[3] === 1;
  return { name, shape: isLinear ? shape.slice(0, 2) : shape };
}

function modulesOf({ timm, at, expands, squeezes, narrows }: TimmBlock): [timm: string, torchvision: string][] {
  let place = 0;
  const layer = (conv: string, norm: string): [string, string][] => {
    const here = `${at}.${place++}`;
    return [
      [`${timm}.${conv}`, `${here}.0`],
      [`${timm}.${norm}`, `${here}.1`],
    ];
  };
  const squeeze = (): [string, string][] => {
    const here = `${at}.${place++}`;
    return [
      [`${timm}.se.conv_reduce`, `${here}.fc1`],
      [`${timm}.se.conv_expand`, `${here}.fc2`],
    ];
  };
  const widen = expands ? layer('conv_pw', 'bn1') : [];
  const filter = expands ? layer('conv_dw', 'bn2') : layer('conv_dw', 'bn1');
  const weigh = squeezes ? squeeze() : [];
  const [conv, norm] = expands ? ['conv_pwl', 'bn3'] : ['conv_pw', 'bn2'];
  const narrow: [string, string][] = narrows
    ? [
        [`${timm}.${conv}`, narrows[0]],
        [`${timm}.${norm}`, narrows[1]],
      ]
    : layer(conv!, norm!);
  return [...widen, ...filter, ...weigh, ...narrow];
}

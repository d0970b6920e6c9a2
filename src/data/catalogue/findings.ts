/** What people should know of their pictures before they train: copies, contradictions, imbalance, small pictures. */
import type { Sample } from '../image-folder.ts';
import { type AlikeGroup, findAlike, MOST_COMPARED } from './alike.ts';
import type { PictureFacts } from './facts.ts';
import type { SplitName } from './split-names.ts';

/** Pictures of one part of a data set, and what is known of them. */
export interface CataloguePart {
  readonly part: SplitName;
  readonly samples: readonly Sample[];
  /** Of each sample; undefined for broken ones. */
  readonly facts: readonly (PictureFacts | undefined)[];
}

/** One of several pictures that are alike. */
export interface AlikePicture {
  readonly path: string;
  readonly part: SplitName;
  readonly label: number;
}

/** Pictures that are copies of each other, or look alike. */
export interface Alike {
  readonly pictures: readonly AlikePicture[];
  /** Whether all are the same file, byte for byte. */
  readonly isExact: boolean;
  /** Whether train has some and another part others: what is judged was learnt by heart. */
  readonly crosses: boolean;
  /** Whether they have different labels: at least one is wrong. */
  readonly contradicts: boolean;
}

/** What was found. */
export interface Findings {
  readonly alike: readonly Alike[];
  /** Whether pictures were compared, or only files, as there are too many. */
  readonly compared: boolean;
  /** The largest and the smallest class of train, if they are far apart. */
  readonly imbalance: { readonly most: ClassCount; readonly least: ClassCount } | undefined;
  /** Paths of pictures with a side of fewer pixels than SMALL_SIDE. */
  readonly small: readonly string[];
}

/** A class and its pictures in train. */
export interface ClassCount {
  readonly label: number;
  readonly count: number;
}

/** With so many times the pictures of another class, a network tends to answer with the larger one. */
export const IMBALANCE = 3;
/** A network sees 224 pixels a side; of fewer than these it sees a blur. */
export const SMALL_SIDE = 32;

/** Looks through all parts of a data set. */
export function findingsOf(classCount: number, parts: readonly CataloguePart[]): Findings {
  const all = parts.flatMap(({ part, samples, facts }) =>
    samples.map(({ path, label }, i) => ({ path, part, label, facts: facts[i] })),
  );
  const known = all.filter(({ facts }) => facts !== undefined);
  const groups = findAlike(all.map(({ facts }) => facts));
  const train = parts.find(({ part }) => part === 'train');
  return {
    alike: groups.map((group) => alikeOf(group, all)),
    compared: known.length <= MOST_COMPARED,
    imbalance: train && imbalanceOf(classCount, train),
    small: known.filter(({ facts }) => Math.min(facts!.width, facts!.height) < SMALL_SIDE).map(({ path }) => path),
  };
}

function alikeOf({ indices, isExact }: AlikeGroup, all: readonly AlikePicture[]): Alike {
  const pictures = indices.map((index) => {
    const { path, part, label } = all[index]!;
    return { path, part, label };
  });
  const inTrain = pictures.filter(({ part }) => part === 'train').length;
  return {
    ...{ pictures, isExact },
    crosses: inTrain > 0 && inTrain < pictures.length,
    contradicts: new Set(pictures.map(({ label }) => label)).size > 1,
  };
}

function imbalanceOf(classCount: number, { samples, facts }: CataloguePart): Findings['imbalance'] {
  const counts = Array.from({ length: classCount }, (_, label) => ({
    label,
    count: samples.filter((sample, i) => sample.label === label && facts[i] !== undefined).length,
  }));
  const [most, least] = [Math.max, Math.min].map(
    (pick) => counts.find(({ count }) => count === pick(...counts.map((one) => one.count)))!,
  ) as [ClassCount, ClassCount];
  return most.count >= IMBALANCE * least.count ? { most, least } : undefined;
}

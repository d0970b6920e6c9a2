/** What a run tells of its pictures before it trains. */
import { type Alike, type CataloguePart, findingsOf, tornLine, warningsOf } from '../data/index.ts';
import { type InputSpec, writtenInput } from '../input-spec.ts';
import type { FoundPictures } from './find-pictures.ts';
import { pictureName } from './pictures.ts';

/** @param parts what is known of the pictures, if they were decoded. @returns a sentence each, most often none */
export function pictureNotes(
  { pictures, split, valIsTest }: FoundPictures,
  parts: readonly CataloguePart[] | undefined,
): string[] {
  const notes: string[] = [];
  if (split) notes.push(splitLine(split.valSplit));
  if (split && split.torn.length > 0) notes.push(tornLine(split.torn));
  if (valIsTest) notes.push('There are no pictures for val, so those of test judge each epoch.');
  if (!parts) return notes;
  const findings = findingsOf(pictures.classes.length, parts);
  // Parts that were divided here share no pictures, but for those that the line above tells of.
  const alike = split ? findings.alike.map((one) => ({ ...one, crosses: false })) : findings.alike;
  const nameOf = ({ part, path }: Alike['pictures'][number]) =>
    part === 'test' ? path : pictureName(part, pictures[part], path);
  return [...notes, ...warningsOf({ ...findings, alike }, pictures.classes, nameOf)];
}

/** How the network wants its pictures, where that is not as in the tutorial. @returns at most one sentence */
export function inputNotes(input: InputSpec, architecture: string): string[] {
  if (!writtenInput(input, architecture)) return [];
  const { resize, crop, interpolation } = input;
  return [
    `Seen as the weights want it: the shorter side becomes ${resize} (${interpolation}), its centre ${crop}×${crop}.`,
  ];
}

/** How the program has divided the pictures. */
export function splitLine(valSplit: number): string {
  return `Nobody has divided them, so ${percent(valSplit)} of each class are val (--val-split); what looks alike stays on one side.`;
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(2))} %`;
}

/** Sentences of a judgement with each class's name isolated, so that one that reads from right to left stays in its place. */
import type { Judgement } from '../judge/index.ts';
import { type Html, html, named, plain } from './html.ts';

const mark = (label: number) => `⟦${label}⟧`;
const MARKS = /⟦(\d+)⟧/;

/** @param tell gives sentences about a judgement whose classes have marks for names */
export function sentences(judgement: Judgement, tell: (marked: Judgement) => readonly string[]): Html[] {
  const { classes } = judgement;
  const marked = { ...judgement, classes: classes.map((one, label) => ({ ...one, name: mark(label) })) };
  return tell(marked).map((text) => {
    // Every second part is the label of a mark.
    const parts = text.split(MARKS);
    return html`${parts.map((part, i) => (i % 2 === 0 ? html`${plain(part, part.length)}` : named(classes[Number(part)]!.name)))}`;
  });
}

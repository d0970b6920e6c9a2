/** Shared by the tests of judgements. */
import { type JudgedSet, type Judgement, judge } from '../../src/judge/index.ts';

/** Answers of a network that is sure: each picture has its truth and its answer, by name. */
export function sure(classes: readonly string[], answers: readonly (readonly [string, string])[]): JudgedSet {
  return {
    classes,
    paths: answers.map(([truth], i) => `val/${truth}/${i}.jpg`),
    truths: answers.map(([truth]) => classes.indexOf(truth)),
    probabilities: answers.flatMap(([, answer]) =>
      classes.map((name) => (name === answer ? 0.9 : 0.1 / (classes.length - 1))),
    ),
  };
}

/** `times(3, ['ant', 'bee'])`: three ants taken for bees. */
export function times<T>(count: number, one: T): T[] {
  return new Array<T>(count).fill(one);
}

/** 8 of 8 ants, 5 of 8 bees and none of two beetles; no wasp. */
export const BEETLE = sure(
  ['ant', 'bee', 'beetle', 'wasp'],
  [
    ...times(8, ['ant', 'ant'] as const),
    ...times(5, ['bee', 'bee'] as const),
    ...times(2, ['bee', 'ant'] as const),
    ...times(1, ['bee', 'beetle'] as const),
    ...times(2, ['beetle', 'bee'] as const),
  ],
);

export const JUDGEMENT: Judgement = {
  version: 1,
  ...{ data: '/data', split: 'val', weights: 'best.safetensors', epoch: 3 },
  ...judge(BEETLE),
};

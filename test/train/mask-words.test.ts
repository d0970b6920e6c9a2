/** The words of masks that a resumed phase skips. */
import { expect, test } from 'vitest';
import { Generator } from '../../src/random/mt19937.ts';
import { MaskWords } from '../../src/train/mask-words.ts';

const draw = (generator: Generator, count: number) => () => Array.from({ length: count }, () => generator.u32());

test('a resumed phase draws what the undisturbed one drew', () => {
  const whole = new Generator(5);
  const counted = new MaskWords(whole);
  expect(counted.position).toEqual({});
  counted.during(draw(whole, 6));
  const { words } = counted.position;
  expect(words).toBe(6);
  const second = counted.during(draw(whole, 4));
  expect(counted.position).toEqual({ words: 10 });

  const again = new Generator(5);
  const resumed = new MaskWords(again, words);
  expect(resumed.position).toEqual({ words: 6 });
  expect(resumed.during(draw(again, 4))).toEqual(second);
  expect(resumed.position).toEqual({ words: 10 });
});

test('steps that draw nothing leave no trace', () => {
  const generator = new Generator(5);
  const counted = new MaskWords(generator);
  expect(counted.during(() => 'result')).toBe('result');
  expect([counted.position, generator.drawn]).toEqual([{}, 0]);
});

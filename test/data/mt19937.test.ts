/** The generator against values that torch 1.13.1 printed, each from a fresh seed 0 unless stated otherwise. */
import { describe, expect, test } from 'vitest';
import { drawResizedCrop, expf, Generator, roundHalfEven } from '../../src/data/index.ts';

const times = <T>(n: number, draw: () => T): T[] => Array.from({ length: n }, draw);

describe('Generator', () => {
  test('u32', () => {
    const g = new Generator(0);
    const outputs = times(1249, () => g.u32());
    expect(outputs.slice(0, 5)).toEqual([2357136044, 2546248239, 3071714933, 3626093760, 2588848963]);
    expect([623, 624, 1247, 1248].map((i) => outputs[i])).toEqual([3791854820, 341544762, 1145454359, 4192857288]);
    expect(g.drawn).toBe(1249);
  });

  test('only the low 32 bits of a seed count', () => {
    expect(new Generator(2 ** 32).u32()).toBe(2357136044);
    expect(new Generator(-1).u32()).toBe(new Generator(2 ** 32 - 1).u32());
  });

  test('rand in float32 and float64', () => {
    const single = new Generator(0);
    expect(times(5, () => single.rand())).toEqual([
      0.49625658988952637, 0.7682217955589294, 0.08847743272781372, 0.13203048706054688, 0.30742281675338745,
    ]);
    const double = new Generator(0);
    expect(times(3, () => double.rand64())).toEqual([0.9700530018065531, 0.707819864399788, 0.45938294312745087]);
    expect(double.drawn).toBe(6);
  });

  test('uniform, one by one and filled in', () => {
    const expected = [
      0.53655606508255, 0.7867640852928162, 0.1613992303609848, 0.20146805047988892, 0.3628289997577667,
    ];
    const g = new Generator(0);
    expect(times(5, () => g.uniform(0.08, 1))).toEqual(expected);
    expect([...new Generator(0).fillUniform(new Float32Array(5), 0.08, 1)]).toEqual(expected);
  });

  test('randint draws even if there is nothing to choose', () => {
    const g = new Generator(0);
    expect(times(5, () => g.randint(100))).toEqual([44, 39, 33, 60, 63]);
    expect(g.randint(1)).toBe(0);
    expect(g.drawn).toBe(6);
  });

  test('random_ on int64, in full and as a seed', () => {
    const g = new Generator(0);
    const full = times(3, () => g.random63());
    expect(full).toEqual([900450186894289455n, 3969543146641149120n, 1895649597198586619n]);
    const seeds = new Generator(0);
    expect(times(3, () => seeds.randomSeed())).toEqual(full.map((value) => Number(value & 0xffffffffn)));
  });

  test('randperm', () => {
    const g = new Generator(0);
    expect([...g.randperm(10)]).toEqual([4, 1, 7, 5, 3, 9, 0, 8, 6, 2]);
    expect(g.drawn).toBe(9);
    expect([...g.randperm(1)]).toEqual([0]);
    expect(g.drawn).toBe(9);
  });

  test('normal_ of fewer than 16 values keeps the odd half for the next call', () => {
    const expected = [
      1.5409960746765137, -0.293428897857666, -2.1787893772125244, 0.5684312582015991, -1.0845223665237427,
    ];
    expect([...new Generator(0).fillNormal(new Float32Array(5))]).toEqual(expected);
    const g = new Generator(0);
    const inTwo = [...g.fillNormal(new Float32Array(3)), ...g.fillNormal(new Float32Array(2))];
    expect(inTwo).toEqual(expected);
    expect(g.drawn).toBe(12);
  });

  test('skip passes over outputs across blocks, clone keeps the position', () => {
    const reference = new Generator(0);
    const outputs = times(3000, () => reference.u32());
    for (const n of [0, 1, 623, 624, 625, 1248, 2000]) {
      const g = new Generator(0);
      g.u32();
      g.skip(n);
      expect(g.drawn).toBe(n + 1);
      const clone = g.clone();
      expect(g.u32()).toBe(outputs[n + 1]);
      expect(clone.u32()).toBe(outputs[n + 1]);
    }
  });

  test('skip(22,846,824) is where resnet18() leaves the stream', () => {
    const g = new Generator(0);
    g.skip(22846824);
    expect(times(3, () => g.u32())).toEqual([1961030488, 1714818006, 1959277849]);
  });
});

describe('drawing a crop', () => {
  test('RandomResizedCrop.get_params on 500×374', () => {
    const g = new Generator(0);
    expect(times(4, () => drawResizedCrop(g, 500, 374))).toEqual([
      { top: 17, left: 21, height: 293, width: 342 },
      { top: 79, left: 183, height: 251, width: 271 },
      { top: 26, left: 170, height: 294, width: 317 },
      { top: 198, left: 56, height: 151, width: 125 },
    ]);
  });

  test('the fallback uses 20 draws and the centre', () => {
    const wide = new Generator(0);
    expect(drawResizedCrop(wide, 1000, 3)).toEqual({ top: 0, left: 498, height: 3, width: 4 });
    expect(wide.drawn).toBe(20);
    const tall = new Generator(0);
    expect(drawResizedCrop(tall, 3, 1000)).toEqual({ top: 498, left: 0, height: 4, width: 3 });
    expect(tall.drawn).toBe(20);
  });

  test('a half is rounded to the even neighbour', () => {
    expect([0.5, 1.5, 2.5, 3.5, 0.49, 2.51, 7].map(roundHalfEven)).toEqual([0, 2, 2, 4, 0, 3, 7]);
  });

  test('expf stays within an ulp of the exact value', () => {
    for (let x = -0.2876; x <= 0.2876; x += 0.001) {
      const argument = Math.fround(x);
      // 2^-23 is an ulp between 1 and 2, two between 1/2 and 1.
      expect(Math.abs(expf(argument) - Math.exp(argument))).toBeLessThan(2 ** -23);
    }
  });
});

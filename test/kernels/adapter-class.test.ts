/** The classes of adapters, from the names that their drivers report. */
import { describe, expect, test } from 'vitest';
import { adapterClass } from '../../src/kernels/adapter-class.ts';

describe('adapterClass', () => {
  test.each([
    ['lavapipe', 'cpu', 'mesa', 'software', 'llvmpipe: Mesa 25.0.7-2~bpo12+1 (LLVM 15.0.6) 0.0.1'],
    ['swiftshader', 'cpu', 'google', 'swiftshader', 'SwiftShader driver 5.0.0'],
    ['software', 'cpu', 'microsoft', '', 'Microsoft Basic Render Driver'],
    ['discrete', 'gpu', 'nvidia', 'ampere', 'NVIDIA GeForce RTX 3060: 535.183.01'],
    ['discrete', 'gpu', 'amd', 'rdna-2', 'AMD Radeon RX 6800 XT (RADV NAVI21): Mesa 24.1'],
    ['integrated', 'gpu', 'amd', 'gcn-5', 'AMD Radeon Graphics (RADV RENOIR): Mesa 24.1'],
    ['integrated', 'gpu', 'amd', 'rdna-3', 'AMD Radeon 780M (RADV PHOENIX)'],
    ['integrated', 'gpu', 'intel', 'xe', 'Intel(R) Iris(R) Xe Graphics (TGL GT2)'],
    ['discrete', 'gpu', 'intel', 'xe-hpg', 'Intel(R) Arc(tm) A770 Graphics (DG2)'],
    ['discrete', 'gpu', 'intel', 'xe-2', 'Intel(R) Arc(tm) B580 Graphics (BMG G21)'],
    ['integrated', 'gpu', 'intel', 'xe-lpg', 'Intel(R) Arc(tm) Graphics (MTL)'],
    ['integrated', 'gpu', 'apple', 'metal-3', 'Apple M2'],
    ['integrated', 'gpu', 'qualcomm', 'adreno-7xx', 'Adreno 740'],
    [undefined, 'gpu', '', '', ''],
    [undefined, 'gpu', 'moore-threads', 's80', 'MTT S80'],
  ] as const)('%s: %s, vendor "%s", architecture "%s", "%s"', (expected, kind, vendor, architecture, description) => {
    expect(adapterClass({ kind, vendor, architecture, description })).toBe(expected);
  });
});

/**
 * Rules of the kernels for GPUs, checked without a GPU: a stand-in device that claims to be a GPU with WebGPU's default
 * limits records steps of ResNet-18.
 */
import { describe, expect, test } from 'vitest';
import { Steps, WORKS } from '../../bench/steps.ts';
import { recordDispatches } from '../../bench/timing.ts';
import type { Dispatch } from '../../src/gpu/gpu.ts';
import { openDryGpu } from '../../src/plan/index.ts';
import { PLAIN_GPU } from '../support/resnet18.ts';

/** WebGPU's default limits. */
const MAX_WORKGROUP_BYTES = 16384;
const MAX_INVOCATIONS = 256;
/** With fewer workgroups a part of a GPU is idle. */
const MIN_WORKGROUPS = 128;

const BYTES: Readonly<Record<string, number>> = { f32: 4, u32: 4, 'vec2<f32>': 8, 'vec4<f32>': 16 };

/** The value of an expression in a shader's constants, such as `TILE * QUADS`. */
function numberOf(expression: string, code: string): number {
  const text = expression.replace(/[A-Z_]{2,}/g, (name) => {
    const found = new RegExp(`const ${name} = (.*);`).exec(code);
    if (!found) throw new Error(`no constant ${name}`);
    return `${numberOf(found[1]!, code)}`;
  });
  const plain = text.replace(/(\d)u/g, '$1');
  if (!/^[\d\s()+*/-]+$/.test(plain)) throw new Error(`cannot work out ${expression}`);
  return Number(new Function(`return ${plain}`)());
}

function workgroupBytes(code: string): number {
  const all = [...code.matchAll(/var<workgroup> \w+: array<(.*), ([^,]*)>;/g)];
  expect(all).toHaveLength([...code.matchAll(/var<workgroup>/g)].length);
  return all.reduce((sum, [, type, count]) => sum + BYTES[type!]! * numberOf(count!, code), 0);
}

function invocations(code: string): number {
  const extents = /@workgroup_size\(([^)]*)\)/.exec(code)![1]!.split(',');
  return extents.reduce((product, extent) => product * numberOf(extent, code), 1);
}

function dispatchesOf(batchSize: number, subgroupSize: number): Dispatch[] {
  const gpu = openDryGpu({ ...PLAIN_GPU, subgroupSize });
  return WORKS.flatMap((work) => {
    const steps = new Steps(gpu, work, { batchSize });
    const dispatches = recordDispatches(gpu, () => steps.submit().dispose());
    steps.dispose();
    return dispatches;
  });
}

const codesOf = (dispatches: readonly Dispatch[]) =>
  new Map(dispatches.map(({ program }) => [program.key, { name: program.name, code: program.code() }]));

describe.each([1, 4, 32])('at batch %d', (batch) => {
  const dispatches = dispatchesOf(batch, 0);
  const convolutions = dispatches.filter(({ program }) => program.name.startsWith('conv2d_tiled'));

  test('convolutions use tiles of vectors in workgroup memory, in all passes', () => {
    const passes = new Set(convolutions.map(({ label }) => label!.split(' ')[0]));
    expect([...passes].sort()).toEqual(['forward', 'inputGrad', 'weightGrad']);
    expect(dispatches.filter(({ program }) => /conv2d_rows|winograd/.test(program.name))).toEqual([]);
    for (const { code } of codesOf(convolutions).values()) {
      expect(code).toMatch(/var<workgroup> tileA: array<vec4<f32>/);
      expect(code).toMatch(/var<workgroup> tileB: array<vec4<f32>/);
    }
  });

  test('weights are loaded in vectors, except in the first layer, whose rows have 147', () => {
    const scalar = convolutions.filter(({ program }) => program.code().includes('weight: array<Stored>'));
    const labels = new Set(scalar.map(({ label }) => label!.replace(' frozen', '')));
    // Phases that no tap reaches load no weights.
    expect([...labels].filter((label) => !/^inputGrad .* 1x1 \/2/.test(label))).toEqual([
      `forward ${batch}x3x224x224 -> 64, 7x7 /2 +3`,
    ]);
  });

  test('no convolution has fewer than 128 workgroups, unless its sums are cut into slices', () => {
    const cut = new Set(dispatches.filter(({ program }) => program.name.startsWith('sum_slices')).map((d) => d.label));
    const enough = convolutions.filter(
      ({ label, workgroups: [x, , z] }) => label!.startsWith('forward') && x * z >= MIN_WORKGROUPS,
    );
    expect(enough.filter(({ label }) => cut.has(label))).toEqual([]);
    const few = convolutions
      .filter(({ workgroups: [x, y, z] }) => x * y * z < MIN_WORKGROUPS)
      .map(({ label }) => label!);
    expect(few.filter((label) => !cut.has(label))).toEqual([]);
    // Such convolutions have little to cut: a single tap.
    expect(few.filter((label) => !/1x1|^inputGrad .* \/2 /.test(label))).toEqual([]);
  });

  test('no kernel requires more than the default limits, or subgroups', () => {
    for (const { name, code } of codesOf(dispatches).values()) {
      expect(workgroupBytes(code), name).toBeLessThanOrEqual(MAX_WORKGROUP_BYTES);
      expect(invocations(code), name).toBeLessThanOrEqual(MAX_INVOCATIONS);
      expect(code, name).not.toMatch(/enable |subgroup[A-Z_]/);
    }
  });
});

test('sums over a workgroup use subgroups if the adapter has them', () => {
  const using = [...codesOf(dispatchesOf(4, 32)).values()].filter(({ code }) => code.includes('enable subgroups'));
  const names = new Set(using.map(({ name }) => name));
  expect([...names].sort()).toEqual([
    'batch_norm_backward_sums',
    'batch_norm_backward_sums_relu',
    'batch_norm_backward_sums_residual',
    'batch_norm_statistics',
  ]);
});

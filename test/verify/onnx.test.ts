/** verify's runner of ONNX's tests finds wrong outputs. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, TensorProto_DataType, TensorProtoSchema } from 'onnx-buf';
import { afterAll, describe, expect } from 'vitest';
import { runTest } from '../../verify/onnx/run.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

const folder = mkdtempSync(join(tmpdir(), 'dawngrad-onnx-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { FLOAT, INT64 } = TensorProto_DataType;

/** A tensor's file, its values little-endian in `rawData`. */
function tensorBytes(dataType: TensorProto_DataType, shape: readonly number[], raw: ArrayBuffer): Uint8Array {
  const tensor = create(TensorProtoSchema, { dims: shape.map(BigInt), dataType, rawData: new Uint8Array(raw) });
  return toBinary(TensorProtoSchema, tensor);
}

const floats = (shape: readonly number[], values: readonly number[]) =>
  tensorBytes(FLOAT, shape, Float32Array.from(values).buffer);

/** A model of one node of one input. */
function modelBytes(opType: string, domain = ''): Uint8Array {
  const value = (name: string) => ({
    name,
    type: { value: { case: 'tensorType' as const, value: { elemType: FLOAT } } },
  });
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    graph: { node: [{ opType, domain, input: ['x'], output: ['y'] }], input: [value('x')], output: [value('y')] },
    opsetImport: [{ domain, version: 17n }],
  });
  return toBinary(ModelProtoSchema, model);
}

describe('runTest', () => {
  const INPUT = [-1, 0, 2, 1000];
  /** Writes a test with this input and output, and runs it. */
  function judge(model: Uint8Array, output: Uint8Array) {
    const path = mkdtempSync(join(folder, 'test-'));
    mkdirSync(join(path, 'test_data_set_0'));
    writeFileSync(join(path, 'model.onnx'), model);
    writeFileSync(join(path, 'test_data_set_0/input_0.pb'), floats([2, 2], INPUT));
    writeFileSync(join(path, 'test_data_set_0/output_0.pb'), output);
    return runTest(gpu, path);
  }
  const differs = (what: string) => ({ kind: 'differs', outputs: new Map([['y', expect.stringContaining(what)]]) });

  gpuTest('accepts the output to within rounding', async () => {
    const result = await judge(modelBytes('Relu'), floats([2, 2], [0, 0, 2, 1000.001]));
    expect(result).toEqual({ kind: 'agrees', double: false });
  });

  const WRONG: readonly (readonly [string, Uint8Array, string])[] = [
    ['a wrong value', floats([2, 2], [0, 0, 2, 1000.125]), '1000 instead of 1000.125 at 3 of 4'],
    ['a small wrong value', floats([2, 2], [0, 2 ** -18, 2, 1000]), `0 instead of ${2 ** -18} at 1 of 4`],
    ['a NaN', floats([2, 2], [0, 0, Number.NaN, 1000]), '2 instead of NaN'],
    ['another shape', floats([4], [0, 0, 2, 1000]), 'shape [2, 2] instead of [4]'],
    ['another type', tensorBytes(INT64, [2, 2], BigInt64Array.of(0n, 0n, 2n, 1000n).buffer), 'f32 instead of i64'],
  ];
  for (const [what, output, message] of WRONG) {
    gpuTest(`finds ${what}`, async () => {
      expect(await judge(modelBytes('Relu'), output)).toEqual(differs(message));
    });
  }

  gpuTest('leaves out ops that we do not have, and what needs no device', async () => {
    const output = floats([2, 2], INPUT);
    expect(await judge(modelBytes('Det'), output)).toMatchObject({ kind: 'not expressible', missing: 'Det' });
    expect(await judge(modelBytes('Relu', 'another'), output)).toMatchObject({ kind: 'not expressible' });
    expect(await judge(modelBytes('Identity'), output)).toMatchObject({
      kind: 'not expressible',
      reason: 'nothing to compute on the device',
    });
  });
});

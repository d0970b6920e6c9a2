/** Reads the files of ONNX's node tests: a model, and tensors each in a file of its own. */
import { readFileSync } from 'node:fs';
import { type HostTensor, toHost } from '../../src/onnx/host-tensor.ts';
import { decodeOnnx, decodeOnnxTensor, type OnnxModel } from '../../src/onnx/proto.ts';

/** @throws as decodeOnnx */
export function readModel(path: string): Promise<OnnxModel> {
  return decodeOnnx(readFileSync(path), path);
}

/** @throws as decodeOnnx */
export async function readTensor(path: string): Promise<HostTensor> {
  return toHost(await decodeOnnxTensor(readFileSync(path), path));
}

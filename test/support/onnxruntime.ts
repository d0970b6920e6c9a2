/**
 * ONNX Runtime, which tests run exported files with. It lies in tools/onnxruntime, as it is too large to be a
 * dependency; see tools/README.md.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const FOLDER = new URL('../../tools/onnxruntime/', import.meta.url);

/** The reason to give when a comparison is skipped. */
export const NO_ONNXRUNTIME =
  'no ONNX Runtime: ONNXRUNTIME_NODE_INSTALL=skip npm ci --ignore-scripts --prefix tools/onnxruntime';

/** The part of its interface that is used here. */
interface OrtTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array | Uint8Array;
}
interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}
interface Ort {
  readonly Tensor: new (type: string, data: OrtTensor['data'], dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: { create(bytes: Uint8Array, options?: object): Promise<OrtSession> };
}

/** The folder of the runtime for browsers; undefined if it is not there. */
export function onnxruntimeWeb(): string | undefined {
  const folder = fileURLToPath(new URL('node_modules/onnxruntime-web/', FOLDER));
  return existsSync(folder) ? folder : undefined;
}

/** Whether the runtime for Node is there. */
export function hasOnnxruntime(): boolean {
  return existsSync(new URL('node_modules/onnxruntime-node/package.json', FOLDER));
}

/** A tensor in or out of a file. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array | Uint8Array;
}

/** Runs an ONNX file on one input, on the CPU, and returns its outputs by name. */
export async function runOnnx(file: Uint8Array, input: HostTensor): Promise<Map<string, HostTensor>> {
  const { Tensor, InferenceSession } = createRequire(FOLDER)('onnxruntime-node') as Ort;
  // Its warnings, about initialisers that nobody takes and such, would be errors of the export.
  const session = await InferenceSession.create(file, { logSeverityLevel: 2, intraOpNumThreads: 1 });
  try {
    const type = input.data instanceof Float32Array ? 'float32' : input.data instanceof Uint8Array ? 'uint8' : 'int64';
    const feeds = { [session.inputNames[0]!]: new Tensor(type, input.data, input.shape) };
    const outputs = await session.run(feeds);
    return new Map(
      session.outputNames.map((name) => [name, { shape: outputs[name]!.dims, data: outputs[name]!.data }]),
    );
  } finally {
    await session.release();
  }
}

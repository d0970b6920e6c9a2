/** A trained network on its way to another program: its entries, its classes, and how it takes a picture. */
import { halvesOf } from '../autograd/half.ts';
import { FileError } from '../errors.ts';
import type { AdapterTraits } from '../gpu/gpu.ts';
import { type InputSpec, inputAt, inputFrom } from '../input-spec.ts';
import type { Net } from '../models/net.ts';
import type { NetName } from '../models/types.ts';
import { checkState, type StateDict, StateDictError } from '../nn/index.ts';
import { openNet } from '../onnx/start.ts';
import { openDryGpu } from '../plan/index.ts';
import { classNamesOf, countOutputs } from '../predict/index.ts';
import type { Checkpoint, TensorData } from '../weights/index.ts';

/** A network that a checkpoint holds. */
export interface Exportable {
  /** The checkpoint as it was named. */
  readonly weights: string;
  readonly checkpoint: Checkpoint;
  readonly net: Net;
  readonly architecture: NetName;
  /** Names of the classes, in the order of the outputs. */
  readonly classes: readonly string[];
  readonly input: InputSpec;
}

/**
 * Reads a checkpoint of a known network.
 * @param weights as for `openPredictor`
 * @param imageSize side of the square that the network sees; by default as the checkpoint says, else as torchvision's weights
 * @throws FileError if it cannot be read, or is no whole network
 */
export async function readExportable(weights: string, imageSize?: number): Promise<Exportable> {
  const { net, checkpoint } = await openNet(weights);
  const { name: architecture } = net;
  const classes = classNamesOf(checkpoint, countOutputs(weights, net, checkpoint)).names;
  const input = inputAt(inputFrom(checkpoint.metadata, architecture, weights), imageSize, architecture);
  return { weights, checkpoint, net, architecture, classes, input };
}

/** A device to read names and shapes from, which computes nothing. */
const NO_ADAPTER: AdapterTraits = {
  ...{ kind: 'cpu', subgroupSize: 0, maxWorkgroupStorage: 16384, maxInvocations: 256, shaderF16: false },
  ...{ vendor: '', architecture: '', description: '' },
};

/**
 * The network's entries as torchvision's module has them: all of them, in its order, with counts of batches, which old
 * files lack.
 * @param half whether floats become f16
 * @throws FileError if the checkpoint lacks an entry or has another shape; DTypeError for values beyond f16
 */
export function entriesOf({ weights, checkpoint, net, classes }: Exportable, half: boolean) {
  const { tensors } = checkpoint;
  const model = net.build(openDryGpu(NO_ADAPTER), { init: 'skip', classes: classes.length });
  const state = model.stateDict();
  check(weights, state, tensors);
  const entries = new Map<string, TensorData>();
  for (const [name, entry] of state) {
    const tensor = tensors.get(name);
    if (!('storage' in entry)) entries.set(name, counter(tensor));
    else entries.set(name, half ? inHalf(name, tensor!) : inSingle(tensor!));
  }
  return entries;
}

function check(weights: string, state: StateDict, tensors: Checkpoint['tensors']): void {
  try {
    checkState(state, tensors);
  } catch (error) {
    if (!(error instanceof StateDictError)) throw error;
    throw new FileError(`${weights}: ${error.message}`, { cause: error });
  }
}

const counter = (tensor: TensorData | undefined): TensorData =>
  tensor?.dtype === 'I64' ? tensor : { shape: [], data: Float32Array.of(tensor?.data[0] ?? 0), dtype: 'I64' };

/** To the bit, if it was stored so. */
const inSingle = (tensor: TensorData): TensorData =>
  tensor.dtype === 'F32' ? tensor : { shape: tensor.shape, data: tensor.data };

function inHalf(name: string, { shape, data, dtype, bytes }: TensorData): TensorData {
  if (dtype === 'F16' && bytes) return { shape, data, dtype, bytes };
  const halves = halvesOf(name, data);
  return { shape, data, dtype: 'F16', bytes: new Uint8Array(halves.buffer, 0, halves.byteLength) };
}

/**
 * A network as its ops: found by running it on batches of two sizes, which shows what depends on the batch. A branch of
 * the program is taken as it falls for a picture; ops whose results nobody uses are left out.
 */
import type { DType } from '../../autograd/dtype.ts';
import { formatShape } from '../../autograd/errors.ts';
import type { Shape } from '../../autograd/tensor.ts';
import { BATCHES, type Dims, dimsOf } from './dims.ts';
import { OnnxExportError } from './errors.ts';
import { type Constant, type Recorded, type RecordedOp, type Recording, recordCall, type Source } from './recorder.ts';

/** An op, with the shape of its result for any batch. */
export interface TracedOp extends Omit<RecordedOp, 'shape'> {
  readonly index: number;
  readonly dims: Dims;
}

/** A value that does not change from call to call. */
export interface TracedConstant {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly bytes: ArrayBuffer;
}

export interface Trace {
  /** Those that the result needs, in the order of the program. */
  readonly operations: readonly TracedOp[];
  readonly constants: readonly TracedConstant[];
  readonly output: Source;
}

/**
 * Runs a network on batches of 2 and 3, and waits for its constants.
 * @param itemShape of one item, without the batch
 * @throws OnnxExportError if the passes differ in more than the batch, or cannot be written down
 */
export async function traceModel(model: Recorded, itemShape: Shape, dtype: 'f32' | 'u32'): Promise<Trace> {
  const [first, second] = BATCHES.map((batch) => recordCall(model, [batch, ...itemShape], dtype)) as [
    Recording,
    Recording,
  ];
  if (!isSameProgram(first, second)) {
    throw new OnnxExportError(
      `The model takes other ops for a batch of ${BATCHES[1]} than for one of ${BATCHES[0]}, so it cannot be written ` +
        'for any batch. Let the batch decide no branch of its forward().',
    );
  }
  const operations = first.operations.map((operation, index): TracedOp => {
    const { name, inputs, options, shape, dtype: type } = operation;
    const dims = dimsOf(shape, second.operations[index]!.shape);
    if (!dims) throw new OnnxExportError(`${name}: its result has another number of dimensions for another batch.`);
    return { index, name, inputs, options, dims, dtype: type };
  });
  return {
    operations: needed(operations, first.output),
    constants: await Promise.all(first.constants.map((one, i) => constantOf(one, second.constants[i]!))),
    output: first.output,
  };
}

function isSameProgram(a: Recording, b: Recording): boolean {
  const program = ({ operations, output, constants }: Recording) =>
    JSON.stringify([operations.map(({ name, inputs }) => [name, ...inputs]), output, constants.length]);
  return program(a) === program(b);
}

/** Those on which the result depends. */
function needed(operations: readonly TracedOp[], output: Source): TracedOp[] {
  const wanted = new Set<number>();
  const want = (source: Source | number) => {
    if (typeof source !== 'number' && source.kind === 'result') wanted.add(source.index);
  };
  want(output);
  for (const { index, inputs } of [...operations].reverse()) {
    if (wanted.has(index)) for (const source of inputs.values()) want(source);
  }
  return operations.filter(({ index }) => wanted.has(index));
}

async function constantOf({ shape, dtype, values }: Constant, again: Constant): Promise<TracedConstant> {
  const [bytes, others] = await Promise.all([values.get(), again.values.get()]);
  const same =
    formatShape(shape) === formatShape(again.shape) &&
    Buffer.from(bytes).equals(Buffer.from(others)) &&
    dtype !== 'f16';
  if (same) return { shape, dtype, bytes };
  throw new OnnxExportError(
    dtype === 'f16'
      ? 'The model holds tensors of half precision. Export the network before half(), and ask for half weights.'
      : `A tensor of shape ${formatShape(shape)}, which no op made, differs from call to call, so it is no constant of the ` +
          'graph. Derive it from the input by ops, or give it an extent of 1 in place of the batch.',
  );
}

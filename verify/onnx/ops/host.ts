/** What graphs compute on the host, because it decides shapes: shapes themselves, axes, and arithmetic on integers. */
import { TensorProto_DataType } from 'onnx-buf';
import { Tensor } from '../../../src/autograd/index.ts';
import { axisOf, type Call, isHostInteger, NotExpressible, type Op } from '../call.ts';
import type { ElementType, HostTensor } from '../read.ts';
import { placesOf } from './shapes.ts';

const vector = (values: readonly number[], type: ElementType = 'INT64'): HostTensor => ({
  type,
  shape: [values.length],
  values: Float64Array.from(values),
});

/** Of the values of all inputs. Those with one value fit the others, which have one shape. */
const arithmetic =
  (op: (...values: number[]) => number, type?: ElementType): Op =>
  (call) => {
    const inputs = call.inputs as readonly HostTensor[];
    const size = Math.max(...inputs.map(({ values }) => values.length));
    if (inputs.some(({ values: { length } }) => length !== 1 && length !== size)) {
      throw new NotExpressible('broadcast integers');
    }
    const longest = inputs.find(({ values }) => values.length === size)!;
    const at = (i: number) => inputs.map(({ values }) => values[values.length === 1 ? 0 : i]!);
    return {
      type: type ?? inputs.at(-1)!.type,
      shape: longest.shape,
      values: longest.values.map((_, i) => op(...at(i))),
    };
  };

/** Ops without arithmetic on the device. */
export const HOST_ONLY: Readonly<Record<string, Op>> = {
  Identity: (call) => call.value(0),
  Constant: (call) => {
    const value = call.tensor('value');
    if (!value) throw new NotExpressible('a constant of another kind');
    return value;
  },
  ConstantOfShape: (call) => {
    const { type, values } = call.tensor('value') ?? { type: 'FLOAT' as const, values: [0] };
    const shape = call.numbers(0);
    const size = shape.reduce((product, extent) => product * extent, 1);
    return { type, shape, values: new Float64Array(size).fill(values[0]!) };
  },
  Shape: (call) => {
    const { shape } = call.value(0);
    return vector(shape.slice(call.number('start', 0), call.number('end', shape.length)));
  },
  Size: (call) => ({
    ...vector([call.value(0).shape.reduce((product, extent) => product * extent, 1)]),
    shape: [],
  }),
  Cast: (call) => {
    const value = call.value(0);
    const to = TensorProto_DataType[call.number('to', 0)] as ElementType;
    if (value instanceof Tensor) {
      if (to === 'FLOAT' && value.dtype === 'f32') return value;
    } else if (value.type === 'FLOAT' ? to === 'FLOAT' : isHostInteger(value) && ['FLOAT', 'INT64'].includes(to)) {
      return { ...value, type: to };
    }
    throw new NotExpressible(`a cast to ${to}`);
  },
};

/** Ops on integers that the host knows, of which others run on the device. */
export const HOST_INTEGERS: Readonly<Record<string, Op>> = {
  Neg: arithmetic((a) => -a!),
  Sub: arithmetic((a, b) => a! - b!),
  Equal: arithmetic((a, b) => Number(a === b), 'BOOL'),
  Where: arithmetic((condition, a, b) => (condition ? a! : b!)),
  Concat: (call) => vector(call.inputs.flatMap((_, index) => call.numbers(index))),
  Slice: (call) => {
    const values = call.numbers(0);
    const step = call.has(4) ? call.scalar(4) : 1;
    return vector(placesOf(values.length, call.scalar(1), call.scalar(2), step).map((place) => values[place]!));
  },
  Reshape: (call) => reshaped(call, call.numbers(1)),
  Squeeze: (call) => {
    const { shape } = call.value(0);
    const axes = call.integersOf('axes', 1)!.map((axis) => axisOf(axis, shape.length));
    return reshaped(
      call,
      shape.filter((_, axis) => !axes.includes(axis)),
    );
  },
  Unsqueeze: (call) => {
    const shape = [...call.value(0).shape];
    for (const axis of call.integersOf('axes', 1)!) shape.splice(axis < 0 ? shape.length + 1 + axis : axis, 0, 1);
    return reshaped(call, shape);
  },
};

function reshaped(call: Call, asked: readonly number[]): HostTensor {
  const value = call.value(0) as HostTensor;
  const known = asked.reduce((product, extent) => product * (extent < 0 ? 1 : extent), 1);
  return { ...value, shape: asked.map((extent) => (extent < 0 ? value.values.length / known : extent)) };
}

/** What graphs compute on the host, because it decides shapes: shapes themselves, axes, and arithmetic on integers. */
import { Tensor } from '../../autograd/index.ts';
import { axisOf, type Call, checkSize, isHostInteger, NotExpressible, type Op } from '../call.ts';
import { typeOfNumber } from '../element-types.ts';
import type { HostTensor } from '../host-tensor.ts';
import type { OnnxType } from '../types.ts';
import { placesOf } from './shapes.ts';

const vector = (values: readonly number[], type: OnnxType = 'i64'): HostTensor => ({
  type,
  shape: [values.length],
  values: Float64Array.from(values),
});

/** Of the values of all inputs. Those with one value fit the others, which have one shape. */
const arithmetic =
  (op: (...values: number[]) => number, type?: OnnxType): Op =>
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
    const { type, values } = call.tensor('value') ?? { type: 'f32' as const, values: [0] };
    const shape = call.numbers(0);
    checkSize(shape);
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
    const number = call.number('to', 0);
    const to = typeOfNumber(number);
    if (value instanceof Tensor) {
      if (to === 'f32' && value.dtype === 'f32') return value;
    } else if (to === value.type || (isHostInteger(value) && (to === 'f32' || to === 'i64'))) {
      return { ...value, type: to };
    }
    throw new NotExpressible(`a cast to ${to ?? `the type of number ${number}`}`);
  },
};

/** Ops on integers that the host knows, of which others run on the device. */
export const HOST_INTEGERS: Readonly<Record<string, Op>> = {
  Neg: arithmetic((a) => -a!),
  Add: arithmetic((a, b) => a! + b!),
  Sub: arithmetic((a, b) => a! - b!),
  Mul: arithmetic((a, b) => a! * b!),
  Div: arithmetic((a, b) => Math.trunc(a! / b!)),
  Equal: arithmetic((a, b) => Number(a === b), 'bool'),
  Where: arithmetic((condition, a, b) => (condition ? a! : b!)),
  Concat: (call) => vector(call.inputs.flatMap((_, index) => call.numbers(index))),
  Gather: (call) => {
    const { type, shape, values } = call.value(0) as HostTensor;
    if (shape.length !== 1) throw new NotExpressible('integers of several dimensions');
    const places = call.numbers(1).map((place) => axisOf(place, values.length));
    const outside = places.find((place) => !(place >= 0 && place < values.length));
    if (outside !== undefined) throw new NotExpressible(`the value at ${outside} of ${values.length}`);
    return { type, shape: call.value(1).shape, values: Float64Array.from(places, (place) => values[place]!) };
  },
  Slice: (call) => {
    const values = call.numbers(0);
    const step = call.has(4) ? call.scalar(4) : 1;
    return vector(
      placesOf(values.length, call.neededIntegers('starts', 1)[0]!, call.neededIntegers('ends', 2)[0]!, step).map(
        (place) => values[place]!,
      ),
    );
  },
  Reshape: (call) => reshaped(call, call.numbers(1)),
  Squeeze: (call) => {
    const { shape } = call.value(0);
    const axes = call.neededIntegers('axes', 1).map((axis) => axisOf(axis, shape.length));
    return reshaped(
      call,
      shape.filter((_, axis) => !axes.includes(axis)),
    );
  },
  Unsqueeze: (call) => {
    const shape = [...call.value(0).shape];
    for (const axis of call.neededIntegers('axes', 1)) shape.splice(axis < 0 ? shape.length + 1 + axis : axis, 0, 1);
    return reshaped(call, shape);
  },
};

function reshaped(call: Call, asked: readonly number[]): HostTensor {
  const value = call.value(0) as HostTensor;
  const known = asked.reduce((product, extent) => product * (extent < 0 ? 1 : extent), 1);
  return { ...value, shape: asked.map((extent) => (extent < 0 ? value.values.length / known : extent)) };
}

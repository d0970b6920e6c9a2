/** Values that nodes of the op Constant hold. */
import type { OnnxAttribute, OnnxNode, OnnxTensor } from './types.ts';

/** The value of a Constant; undefined for another node, and for a constant of another kind. */
export function constantOf({ op, domain, attributes }: OnnxNode): OnnxTensor | undefined {
  if (op !== 'Constant' || domain !== '') return undefined;
  for (const [name, attribute] of attributes) {
    const tensor = attribute.type === 'other' ? undefined : tensorOf(name, attribute);
    if (tensor) return tensor;
  }
  return undefined;
}

function tensorOf(name: string, { type, value }: OnnxAttribute): OnnxTensor | undefined {
  if (name === 'value' && type === 'tensor') return value;
  if (name === 'value_float' && type === 'float') return floats([value], []);
  if (name === 'value_floats' && type === 'floats') return floats(value);
  if (name === 'value_int' && type === 'int') return integers([value], []);
  if (name === 'value_ints' && type === 'ints') return integers(value);
  return undefined;
}

const floats = (values: readonly number[], shape = [values.length]): OnnxTensor => ({
  ...{ name: '', type: 'f32', shape },
  data: Float32Array.from(values),
});

const integers = (values: readonly number[], shape = [values.length]): OnnxTensor => ({
  ...{ name: '', type: 'i64', shape },
  data: BigInt64Array.from(values, (value) => BigInt.asIntN(64, BigInt(value))),
});

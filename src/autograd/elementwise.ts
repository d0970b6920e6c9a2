/**
 * For custom ops that compute each element from the same element of their inputs. The user writes only that expression.
 */
import { elementwiseGrid } from '../kernels/grid.ts';
import { defineKernel, launch } from '../kernels/kernel.ts';
import { expectDType, expectShape, expectUsable, ShapeError } from './errors.ts';
import { Tensor } from './tensor.ts';

/** An elementwise computation. */
export interface ElementwiseKernel {
  /** Name in timings and errors. */
  readonly name: string;
  /** The names of the inputs in the expression, in order: 1 to 7 names that are valid WGSL variables. */
  readonly inputs: readonly string[];
  /** A WGSL expression of type f32, such as `max(x, 0.0)`. */
  readonly wgsl: string;
}

/** Storage buffers that every device can bind at once. The output takes one. */
const MAX_BUFFERS = 8;

/**
 * Makes a function that takes one f32 tensor per input name, all of one shape, and returns a new tensor of that shape,
 * computed on the device. It records nothing: an op calls it and then `record`, and calls it again in its backward.
 *
 * The function throws ShapeError if the tensors differ in shape or their count is wrong. An expression that does not
 * compile is a GpuError at a later call.
 *
 * @throws RangeError for an invalid count of inputs or an invalid name
 */
export function elementwise({ name, inputs, wgsl }: ElementwiseKernel): (...tensors: Tensor[]) => Tensor {
  checkInputs(name, inputs);
  const kernel = defineKernel({
    name,
    bindings: Object.fromEntries([
      ...inputs.map((input) => [`${input}Values`, 'read'] as const),
      ['_result', 'read_write'] as const,
    ]),
    uniforms: { count: 'u32' },
    wgsl: shader(inputs, wgsl),
  });
  return (...tensors) => {
    const [first] = tensors;
    if (!first || tensors.length !== inputs.length) {
      throw new ShapeError(`${name}: takes ${inputs.length} tensors (${inputs.join(', ')}), got ${tensors.length}.`);
    }
    expectUsable(name, Object.fromEntries(tensors.map((tensor, i) => [inputs[i]!, tensor])));
    tensors.forEach((tensor, i) => {
      expectShape(name, inputs[i]!, tensor, first.shape);
      expectDType(name, inputs[i]!, tensor, 'f32');
    });
    const output = Tensor.empty(first.gpu, first.shape);
    launch(first.gpu, kernel, {
      buffers: Object.fromEntries([
        ...tensors.map((tensor, i) => [`${inputs[i]}Values`, tensor.buffer] as const),
        ['_result', output.buffer] as const,
      ]),
      uniforms: { count: first.size },
      workgroups: elementwiseGrid(first.size),
    });
    return output;
  };
}

/** WGSL's keywords that could pass for a name. */
const KEYWORDS = new Set(
  'alias break case const continue continuing default diagnostic discard else enable false fn for if let loop override requires return struct switch true var while'.split(
    ' ',
  ),
);

function checkInputs(name: string, inputs: readonly string[]): void {
  if (inputs.length < 1 || inputs.length >= MAX_BUFFERS) {
    throw new RangeError(`${name}: takes 1 to ${MAX_BUFFERS - 1} inputs, got ${inputs.length}.`);
  }
  const wrong = inputs.find(
    (input, i) => !/^[A-Za-z]\w*$/.test(input) || KEYWORDS.has(input) || inputs.indexOf(input) !== i,
  );
  if (wrong !== undefined) {
    throw new RangeError(
      `${name}: inputs must have different names, each a letter and then letters, digits or _, and no word of WGSL, got ` +
        `${inputs.join(', ')}.`,
    );
  }
}

/**
 * One invocation computes ITEMS elements, one workgroup width apart, so neighbouring invocations read neighbouring
 * elements.
 */
function shader(inputs: readonly string[], expression: string): string {
  const bindings = [...inputs.map((input) => `read> ${input}Values`), 'read_write> _result'];
  return `struct Params { count: u32 }
${bindings.map((binding, i) => `@group(0) @binding(${i}) var<storage, ${binding}: array<f32>;`).join('\n')}
@group(0) @binding(${bindings.length}) var<uniform> params: Params;

const WORKGROUP = 64u;
const ITEMS = 8u;

fn valueOf(${inputs.map((input) => `${input}: f32`).join(', ')}) -> f32 {
  return ${expression};
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * (WORKGROUP * ITEMS) + lane;
  for (var j = 0u; j < ITEMS; j++) {
    let i = first + j * WORKGROUP;
    if (i < params.count) {
      _result[i] = valueOf(${inputs.map((input) => `${input}Values[i]`).join(', ')});
    }
  }
}
`;
}

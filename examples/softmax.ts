/** An op with WGSL shaders of its own: softmax over the rows of a matrix, and its gradient check. */
import { checkGradients, defineKernel, expectShape, launch, linearGrid, openGpu, record, Tensor } from 'dawngrad';

/** What both shaders have in common: one invocation for each row, whose elements are those from `first` up to `end`. */
const PER_ROW = `
struct Params { rows: u32, columns: u32 }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let row = (group.y * groups.x + group.x) * 64u + lane;
  if (row >= params.rows) { return; }
  let first = row * params.columns;
  let end = first + params.columns;`;

const forward = defineKernel({
  name: 'softmax_forward',
  bindings: { input: 'read', output: 'read_write' },
  uniforms: { rows: 'u32', columns: 'u32' },
  wgsl: `
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;
${PER_ROW}
  // Shifted by the largest, so that no exponential overflows.
  var largest = input[first];
  for (var i = first; i < end; i++) { largest = max(largest, input[i]); }
  var sum = 0.0;
  for (var i = first; i < end; i++) { sum += exp(input[i] - largest); }
  for (var i = first; i < end; i++) { output[i] = exp(input[i] - largest) / sum; }
}`,
});

const backward = defineKernel({
  name: 'softmax_backward',
  bindings: { output: 'read', outputGrad: 'read', inputGrad: 'read_write' },
  uniforms: { rows: 'u32', columns: 'u32' },
  wgsl: `
@group(0) @binding(0) var<storage, read> output: array<f32>;
@group(0) @binding(1) var<storage, read> outputGrad: array<f32>;
@group(0) @binding(2) var<storage, read_write> inputGrad: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;
${PER_ROW}
  var weighted = 0.0;
  for (var i = first; i < end; i++) { weighted += outputGrad[i] * output[i]; }
  for (var i = first; i < end; i++) { inputGrad[i] = output[i] * (outputGrad[i] - weighted); }
}`,
});

/** [rows, columns] to [rows, columns]: exp(x) over the sum of its row. Saves its output. */
function softmax(input: Tensor): Tensor {
  expectShape('softmax', 'input', input, ['rows', 'columns']);
  const { gpu } = input;
  const [rows = 0, columns = 0] = input.shape;
  const run = { uniforms: { rows, columns }, workgroups: linearGrid(rows, 64) };
  const output = Tensor.empty(gpu, input.shape);
  launch(gpu, forward, { ...run, buffers: { input: input.buffer, output: output.buffer } });
  return record({
    name: 'softmax',
    inputs: [input],
    output,
    saved: [output],
    backward: (outputGrad) => {
      const inputGrad = Tensor.empty(gpu, input.shape);
      const buffers = { output: output.buffer, outputGrad: outputGrad.buffer, inputGrad: inputGrad.buffer };
      launch(gpu, backward, { ...run, buffers });
      return [inputGrad];
    },
  });
}

const gpu = await openGpu();
const input = Tensor.from(gpu, Float32Array.of(1, 2, 3, -1, 0, 1000), [2, 3]);
console.log('softmax:', Array.from(await softmax(input).data(), (value) => value.toFixed(4)).join(' '));

const small = Tensor.from(gpu, Float32Array.of(1, 2, 3, -1, 0, 1), [2, 3]);
small.requiresGrad = true;
const { worst } = await checkGradients(softmax, [small]);
console.log(`The gradient is right: relative error ${worst.toExponential(1)}.`);
gpu.close();

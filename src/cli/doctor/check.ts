/**
 * A compute pass with a known answer: a convolution of small whole numbers and its gradients, on the device and on the
 * host. No sum reaches 2²⁴, so every order of summation gives the same float32, and any difference is an error.
 */
import { backward, conv2d, scope, Tensor } from '../../autograd/index.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { chooserOf } from '../../kernels/chooser.ts';
import type { CheckResult } from './types.ts';

/** No extent is a multiple of a tile, so the pass also computes the edges. */
const SHAPE = { batch: 2, inChannels: 5, outChannels: 7, height: 13, width: 19, kernel: 3, stride: 2, padding: 1 };
const OUT_HEIGHT = outExtent(SHAPE.height);
const OUT_WIDTH = outExtent(SHAPE.width);

/** The three results of a convolution and its gradients. */
type Results = Readonly<Record<'output' | 'input gradient' | 'weight gradient', Float32Array>>;

/** Runs the convolution forward and backward with the kernels that training would choose on this device. */
export async function checkConvolution(gpu: Gpu): Promise<CheckResult> {
  const { batch, inChannels, outChannels, height, width, kernel, stride, padding } = SHAPE;
  const input = wholeNumbers(batch * inChannels * height * width, 1);
  const weight = wholeNumbers(outChannels * inChannels * kernel * kernel, 2);
  const outputGrad = wholeNumbers(batch * outChannels * OUT_HEIGHT * OUT_WIDTH, 3);

  const started = performance.now();
  const x = Tensor.from(gpu, input, [batch, inChannels, height, width]);
  const w = Tensor.from(gpu, weight, [outChannels, inChannels, kernel, kernel]);
  x.requiresGrad = true;
  w.requiresGrad = true;
  const output = scope(() => {
    const result = conv2d(x, w, undefined, { stride: [stride, stride], padding: [padding, padding] });
    backward(result, Tensor.from(gpu, outputGrad, result.shape));
    return result;
  });
  const computed: Results = {
    output: await output.data(),
    'input gradient': await x.grad!.data(),
    'weight gradient': await w.grad!.data(),
  };
  const ms = performance.now() - started;
  for (const tensor of [x, w, output]) tensor.dispose();

  return { ...compare(computed, onHost(input, weight, outputGrad)), ms, kernels: chooserOf(gpu).choices };
}

function compare(computed: Results, expected: Results): Omit<CheckResult, 'ms' | 'kernels'> {
  let [values, wrong] = [0, 0];
  let firstWrong: string | null = null;
  for (const [name, right] of Object.entries(expected)) {
    const found = computed[name as keyof Results];
    values += right.length;
    right.forEach((value, i) => {
      // NaN equals nothing, so it counts as wrong.
      if (found[i] === value) return;
      wrong++;
      firstWrong ??= `${name} at ${i}: ${found[i]}, should be ${value}`;
    });
  }
  const { kernel, batch, inChannels, height, width } = SHAPE;
  const what = `convolution ${kernel}×${kernel} of [${[batch, inChannels, height, width].join(', ')}] with both gradients`;
  return { what, values, wrong, firstWrong };
}

/** Follows the definition in plain loops. Each tap of each output value adds one product to all three results. */
function onHost(input: Float32Array, weight: Float32Array, outputGrad: Float32Array): Results {
  const { batch, inChannels, outChannels, height, width, kernel, stride, padding } = SHAPE;
  const output = new Float32Array(outputGrad.length);
  const inputGrad = new Float32Array(input.length);
  const weightGrad = new Float32Array(weight.length);
  let o = 0;
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < outChannels; c++) {
      for (let y = 0; y < OUT_HEIGHT; y++) {
        for (let x = 0; x < OUT_WIDTH; x++, o++) {
          for (let tap = 0; tap < inChannels * kernel * kernel; tap++) {
            const row = y * stride - padding + (Math.floor(tap / kernel) % kernel);
            const column = x * stride - padding + (tap % kernel);
            if (row < 0 || row >= height || column < 0 || column >= width) continue;
            const channel = Math.floor(tap / (kernel * kernel));
            const i = ((n * inChannels + channel) * height + row) * width + column;
            const w = c * inChannels * kernel * kernel + tap;
            output[o]! += input[i]! * weight[w]!;
            inputGrad[i]! += outputGrad[o]! * weight[w]!;
            weightGrad[w]! += outputGrad[o]! * input[i]!;
          }
        }
      }
    }
  }
  return { output, 'input gradient': inputGrad, 'weight gradient': weightGrad };
}

function outExtent(extent: number): number {
  return Math.floor((extent + 2 * SHAPE.padding - SHAPE.kernel) / SHAPE.stride) + 1;
}

/** Whole numbers from −4 to 4. A Weyl sequence per array leaves no pattern that could hide an indexing error. */
function wholeNumbers(count: number, seed: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => Math.floor(((seed * 0.37 + i * 0.6180339887) % 1) * 9) - 4);
}

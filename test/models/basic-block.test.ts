/** BasicBlock, forward and backward, against torchvision's: with and without downsample, on odd sizes. */
import { describe, expect } from 'vitest';
import { backward } from '../../src/autograd/backward.ts';
import { graphSize, noGrad } from '../../src/autograd/graph.ts';
import { BasicBlock } from '../../src/models/index.ts';
import { type Dense, golden, hostEntries, upload } from '../nn/support.ts';
import { expectClose } from '../support/compare.ts';
import { withGpu } from '../support/gpu.ts';

interface Golden {
  state: Record<string, Dense>;
  input: Dense;
  output: Dense;
  seed: Dense;
  input_grad: Dense;
  grads: Record<string, Dense>;
  running: Record<string, Dense>;
  eval_output: Dense;
}

const { gpuTest, gpu } = await withGpu();

/** Sums of some hundred products of values around 1, in another order than torch's: a few dozen ulps. */
const TOLERANCE = { atol: 2e-5, rtol: 1e-5 };

const blocks = golden<Record<string, Golden>>('blocks');
const build = ({ state, input, output }: Golden) => {
  const stride = Math.round(input.shape[2]! / output.shape[2]!);
  const block = new BasicBlock(gpu, input.shape[1]!, output.shape[1]!, { stride, init: 'skip' });
  block.loadStateDict(hostEntries(state));
  return block;
};

describe.each(Object.entries(blocks))('%s', (_, expected) => {
  gpuTest('training: output, gradients, running statistics; then evaluation', async () => {
    const before = gpu.pool.liveBytes;
    const block = build(expected);
    const input = upload(gpu, expected.input);
    input.requiresGrad = true;
    const seed = upload(gpu, expected.seed);
    const output = block.call(input);
    expect(output.shape).toEqual(expected.output.shape);
    expectClose('output', await output.data(), expected.output.data, TOLERANCE);

    backward(output, seed);
    expect(graphSize(gpu)).toBe(0);
    expectClose('input grad', await input.grad!.data(), expected.input_grad.data, TOLERANCE);
    const parameters = [...block.namedParameters()];
    expect(parameters.map(([name]) => name)).toEqual(Object.keys(expected.grads));
    for (const [name, parameter] of parameters) {
      expectClose(`${name} grad`, await parameter.grad!.data(), expected.grads[name]!.data, TOLERANCE);
    }
    const state = await block.exportState();
    for (const [name, { data }] of Object.entries(expected.running)) {
      expectClose(name, state.get(name)!.data, data, TOLERANCE);
    }
    for (const [name, { data }] of state) if (name.endsWith('num_batches_tracked')) expect([...data]).toEqual([1]);

    const evaluated = noGrad(() => block.eval().call(input));
    expectClose('output in evaluation', await evaluated.data(), expected.eval_output.data, TOLERANCE);
    const unchanged = await block.exportState();
    for (const [name, { data }] of state) expect(unchanged.get(name)!.data, name).toEqual(data);
    for (const tensor of [input, seed, output, evaluated, block]) tensor.dispose();
    expect(gpu.pool.liveBytes).toBe(before);
  });

  gpuTest('frozen: no parameter gets a gradient, but the running statistics move', async () => {
    const block = build(expected).freeze();
    const input = upload(gpu, expected.input);
    const output = block.call(input);
    expect([output.requiresGrad, graphSize(gpu)]).toEqual([false, 0]);
    expectClose('output', await output.data(), expected.output.data, TOLERANCE);
    const state = await block.exportState();
    for (const [name, { data }] of Object.entries(expected.running)) {
      expectClose(name, state.get(name)!.data, data, TOLERANCE);
    }
    // Gradients still pass through a frozen block to the layers before it.
    input.requiresGrad = true;
    const seed = upload(gpu, expected.seed);
    const again = block.call(input);
    backward(again, seed);
    expectClose('input grad', await input.grad!.data(), expected.input_grad.data, TOLERANCE);
    expect(block.parameters().every(({ grad }) => grad === undefined)).toBe(true);
    for (const tensor of [input, output, seed, again, block]) tensor.dispose();
  });
});

/**
 * The work of the page and of Node: steps of training, and every op from the same inputs. Both pass their import of the
 * engine and a device. All values come from torch's generator by exact arithmetic, so both start from the same bits.
 */
import type * as Engine from '../../src/engine.ts';
import type { AdapterTraits } from '../../src/gpu/gpu.ts';

type Module = typeof Engine;
type Gpu = Engine.Gpu;
type Tensor = Engine.Tensor;

/** Bits of float32 values, by name. */
export type Bits = Record<string, number[]>;

/** Results and their chosen kernels. */
export interface Computed {
  readonly bits: Bits;
  readonly choices: Record<string, string>;
}

/** Training and ops with the adapter's kernels, and ops with those for a GPU. */
export type All = Readonly<Record<'training' | 'ops' | 'gpuOps', Computed>>;

/** Facts about a device, from which an equal one can be opened. */
export interface Opened {
  readonly traits: AdapterTraits;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

/** Limits that decide or restrict the choice of kernels. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
  'maxComputeWorkgroupStorageSize',
  'maxStorageBuffersPerShaderStage',
  'maxStorageTexturesPerShaderStage',
] as const;

export function describeDevice({ traits, device }: Gpu): Opened {
  const limits = Object.fromEntries(LIMITS.map((name) => [name, device.limits[name]]));
  return { traits, features: [...device.features].sort(), limits };
}

export async function computeAll(engine: Module, gpu: Gpu): Promise<All> {
  // Each has its own `Gpu` and chooser, and so its own kernel choices.
  const choosers = { training: new engine.Chooser(), ops: new engine.Chooser(), gpuOps: new engine.Chooser() };
  const { device, traits } = gpu;
  const training = await train(engine, new engine.Gpu(device, traits, { chooser: choosers.training }));
  const own = new engine.Gpu(device, traits, { chooser: choosers.ops });
  const asTraits = { ...traits, kind: 'gpu', subgroupSize: 0 } as const;
  const asGpu = new engine.Gpu(device, asTraits, { chooser: choosers.gpuOps });
  const ops = await runOps(engine, own, Object.keys(OPS));
  // SwiftShader takes minutes to compile more of these kernels.
  const quick = Object.keys(OPS).filter((name) => !name.startsWith('conv2d') || QUICK_CONVOLUTIONS.includes(name));
  const gpuOps = await runOps(engine, asGpu, quick);
  return {
    training: { bits: training, choices: choosers.training.choices },
    ops: { bits: ops, choices: choosers.ops.choices },
    gpuOps: { bits: gpuOps, choices: choosers.gpuOps.choices },
  };
}

async function runOps(engine: Module, gpu: Gpu, names: readonly string[]): Promise<Bits> {
  const bits: Bits = {};
  for (const name of names) {
    for (const [part, values] of await OPS[name]!(engine, gpu)) bits[`${name}: ${part}`] = values;
  }
  return bits;
}

const bitsOf = async (tensor: Tensor) => Array.from(new Uint32Array((await tensor.data()).buffer));

/** Returns the loss and every gradient of each step, and the final weights and running statistics. */
async function train(engine: Module, gpu: Gpu): Promise<Bits> {
  const { BasicBlock, BatchNorm2d, Conv2d, Linear, SGD, Tensor, backward, crossEntropy, flatten, globalAvgPool2d } =
    engine;
  const random = new engine.Generator(5);
  const modules = {
    stem: new Conv2d(gpu, 3, 16, { kernelSize: 7, stride: 2, padding: 3, bias: false, random }),
    norm: new BatchNorm2d(gpu, 16),
    block1: new BasicBlock(gpu, 16, 16, { random }),
    block2: new BasicBlock(gpu, 16, 32, { stride: 2, random }),
    head: new Linear(gpu, 32, 5, { random }),
  };
  const { stem, norm, block1, block2, head } = modules;
  const named = Object.entries(modules).flatMap(([name, module]) =>
    Array.from(module.namedParameters(), ([part, parameter]) => [`${name}.${part}`, parameter] as const),
  );
  const parameters = named.map(([, parameter]) => parameter);
  const optimizer = new SGD(parameters, { lr: 0.05, momentum: 0.9, weightDecay: 1e-3 });
  const bits: Bits = {};
  for (let step = 0; step < 5; step++) {
    const pixels = random.fillUniform(new Float32Array(6 * 3 * 40 * 36), -2, 2) as Float32Array<ArrayBuffer>;
    const labels = Uint32Array.from({ length: 6 }, () => random.randint(5));
    const loss = engine.scope(() => {
      const pooled = (x: Tensor) => engine.maxPool2d(x, { kernelSize: 3, stride: 2, padding: 1 });
      const images = Tensor.from(gpu, pixels, [6, 3, 40, 36]);
      const logits = engine.pipe(
        images,
        stem,
        norm,
        engine.relu,
        pooled,
        block1,
        block2,
        globalAvgPool2d,
        flatten,
        head,
      );
      const result = crossEntropy(logits, Tensor.from(gpu, labels, [6]));
      backward(result);
      return result;
    });
    bits[`step ${step}: loss`] = await bitsOf(loss);
    for (const [name, { grad }] of named) bits[`step ${step}: gradient of ${name}`] = await bitsOf(grad!);
    optimizer.step();
    optimizer.zeroGrad();
    loss.dispose();
  }
  for (const [name, module] of Object.entries(modules)) {
    for (const [part, { data }] of await module.exportState()) {
      bits[`end: ${name}.${part}`] = Array.from(new Uint32Array(data.buffer));
    }
  }
  optimizer.dispose();
  for (const module of Object.values(modules)) module.dispose();
  return bits;
}

type Op = (engine: Module, gpu: Gpu) => Promise<[part: string, bits: number[]][]>;

/** Runs an op on tensors of these shapes with values from -1 to 1, and returns its output and all gradients. */
function op(shapes: readonly (readonly number[])[], run: (engine: Module, ...inputs: Tensor[]) => Tensor): Op {
  return async (engine, gpu) => {
    const random = new engine.Generator(7);
    const draw = (shape: readonly number[]) => {
      const values = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
      return engine.Tensor.from(gpu, random.fillUniform(values, -1, 1) as Float32Array<ArrayBuffer>, shape);
    };
    const inputs = shapes.map(draw);
    for (const input of inputs) input.requiresGrad = true;
    const output = run(engine, ...inputs);
    const parts: [string, number[]][] = [['output', await bitsOf(output)]];
    engine.backward(output, output.size === 1 ? undefined : draw(output.shape));
    for (const [i, { grad }] of inputs.entries()) if (grad) parts.push([`gradient ${i}`, await bitsOf(grad)]);
    for (const tensor of [...inputs, output]) tensor.dispose();
    return parts;
  };
}

const convolution = (
  [batch, channels, height, width]: readonly [number, number, number, number],
  out: number,
  [kernel, stride, padding]: readonly [number, number, number],
) =>
  op([[batch, channels, height, width], [out, channels, kernel, kernel], [out]], ({ conv2d }, input, weight, bias) =>
    conv2d(input!, weight!, bias, { stride: [stride, stride], padding: [padding, padding] }),
  );

const statistics = (engine: Module, gpu: Gpu) => {
  const { Tensor } = engine;
  return [Tensor.zeros(gpu, [6]), Tensor.from(gpu, new Float32Array(6).fill(1), [6])] as const;
};

const batchNorm = (options: { readonly training: boolean; readonly relu?: boolean }, residual = false) =>
  op([[3, 6, 9, 8], [6], [6], ...(residual ? [[3, 6, 9, 8]] : [])], (engine, input, weight, bias, added) =>
    engine.batchNorm2d(input!, weight!, bias!, ...statistics(engine, input!.gpu), { ...options, residual: added }),
  );

const QUICK_CONVOLUTIONS: readonly string[] = ['conv2d 3×3, odd sizes', 'conv2d 1×1 stride 2'];

/** Every op with a gradient, at sizes that are multiples of vectors and workgroups and at sizes that are not. */
const OPS: Readonly<Record<string, Op>> = {
  'conv2d 3×3': convolution([2, 16, 14, 14], 32, [3, 1, 1]),
  'conv2d 3×3, odd sizes': convolution([2, 5, 13, 11], 7, [3, 1, 1]),
  'conv2d 3×3 stride 2': convolution([2, 16, 15, 14], 33, [3, 2, 1]),
  'conv2d 1×1 stride 2': convolution([2, 16, 14, 14], 32, [1, 2, 0]),
  'conv2d 5×5': convolution([1, 3, 12, 17], 9, [5, 1, 2]),
  'conv2d 7×7 stride 2': convolution([2, 3, 32, 30], 16, [7, 2, 3]),
  'batchNorm2d in training': batchNorm({ training: true }),
  'batchNorm2d in training with ReLU': batchNorm({ training: true, relu: true }),
  'batchNorm2d in training with a residual and ReLU': batchNorm({ training: true, relu: true }, true),
  'batchNorm2d in evaluation': batchNorm({ training: false }),
  relu: op([[3, 5, 7]], ({ relu }, x) => relu(x!)),
  maxPool2d: op([[2, 3, 12, 16]], ({ maxPool2d }, x) => maxPool2d(x!, { kernelSize: 3, stride: 2, padding: 1 })),
  globalAvgPool2d: op([[2, 5, 7, 6]], ({ globalAvgPool2d }, x) => globalAvgPool2d(x!)),
  add: op(
    [
      [3, 5, 7],
      [3, 5, 7],
    ],
    ({ add }, a, b) => add(a!, b!),
  ),
  linear: op([[6, 33], [5, 33], [5]], ({ linear }, x, weight, bias) => linear(x!, weight!, bias)),
  crossEntropy: op([[6, 5]], ({ crossEntropy, Tensor }, logits) =>
    crossEntropy(logits!, Tensor.from(logits!.gpu, Uint32Array.of(0, 4, 2, 2, 1, 3), [6])),
  ),
  'an op of one’s own with exp and log': op([[4, 65]], ({ elementwise, record }, x) => {
    const forward = elementwise({ name: 'softplus', inputs: ['x'], wgsl: 'log(1.0 + exp(x))' });
    const slope = elementwise({ name: 'softplus_slope', inputs: ['x', 'grad'], wgsl: 'grad / (1.0 + exp(-x))' });
    const backward = (grad: Tensor) => [slope(x!, grad)];
    return record({ name: 'softplus', inputs: [x!], output: forward(x!), saved: [x!], backward });
  }),
  'SGD with momentum, two steps': async (engine, gpu) => {
    const random = new engine.Generator(9);
    const draw = () => random.fillUniform(new Float32Array(130), -1, 1) as Float32Array<ArrayBuffer>;
    const weight = engine.Tensor.from(gpu, draw(), [130]);
    const optimizer = new engine.SGD([weight], { lr: 0.1, momentum: 0.9, weightDecay: 0.01, nesterov: true });
    for (let step = 0; step < 2; step++) {
      weight.grad = engine.Tensor.from(gpu, draw(), [130]);
      optimizer.step();
      optimizer.zeroGrad();
    }
    return [['weight', await bitsOf(weight)]];
  },
};

/**
 * tfjs.mjs BATCH SIDE ADAPTER: times a fine-tuning step of ResNet-18 in TensorFlow.js on demand. It runs on dawngrad's
 * build of Dawn: the webgpu package of the parent folder. Same protocol as ../pytorch.py: the first line introduces it,
 * and the answer to each input line `finetune-step STEPS` is the milliseconds per step.
 *
 * The network is torchvision's, in TensorFlow's layout (NHWC), which is the fastest one here. Padding is TensorFlow's
 * `same`, so shapes and work are equal. While TensorFlow.js waits for a result, Dawn's binding for Node spins on a
 * core; its users experience the same.
 */
import { createInterface } from 'node:readline';
import { create, globals } from 'webgpu';

const [batch, side] = process.argv.slice(2, 4).map(Number);
const preference = process.argv[4];

Object.assign(globalThis, globals);
const gpu = create([]);
let description = 'unknown';
const requestAdapter = gpu.requestAdapter.bind(gpu);
gpu.requestAdapter = async () => {
  const adapter = await (preference === 'software'
    ? requestAdapter({ forceFallbackAdapter: true }).then((one) => one ?? requestAdapter())
    : requestAdapter({ powerPreference: preference }));
  if (adapter) description = adapter.info.description;
  return adapter;
};
Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });

const say = (line) => process.stdout.write(`${line}\n`);
// Its messages ("Hi, looks like you are running TensorFlow.js in Node.js ...") must not mix with ours.
console.log = console.info = console.warn = console.error;

const tf = await import('@tensorflow/tfjs');
await import('@tensorflow/tfjs-backend-webgpu');
await tf.setBackend('webgpu');
await tf.ready();
if (tf.getBackend() !== 'webgpu') throw new Error(`TensorFlow.js chose the backend ${tf.getBackend()}, not webgpu.`);
say(JSON.stringify({ name: `TensorFlow.js ${tf.version.tfjs}`, adapter: description }));

const { layers } = tf;

const conv = (x, filters, kernelSize, strides) =>
  layers.conv2d({ filters, kernelSize, strides, padding: 'same', useBias: false }).apply(x);
const norm = (x) => layers.batchNormalization({ momentum: 0.9, epsilon: 1e-5 }).apply(x);
const relu = (x) => layers.activation({ activation: 'relu' }).apply(x);

function block(x, filters, strides) {
  const first = relu(norm(conv(x, filters, 3, strides)));
  const second = norm(conv(first, filters, 3, 1));
  const shortcut = strides === 1 && x.shape[3] === filters ? x : norm(conv(x, filters, 1, strides));
  return relu(layers.add().apply([second, shortcut]));
}

function resnet18() {
  const input = tf.input({ shape: [side, side, 3] });
  let x = relu(norm(conv(input, 64, 7, 2)));
  x = layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }).apply(x);
  for (const [filters, strides] of [
    [64, 1],
    [64, 1],
    [128, 2],
    [128, 1],
    [256, 2],
    [256, 1],
    [512, 2],
    [512, 1],
  ]) {
    x = block(x, filters, strides);
  }
  const output = layers.dense({ units: 2 }).apply(layers.globalAveragePooling2d({}).apply(x));
  return tf.model({ inputs: input, outputs: output });
}

const model = resnet18();
const optimizer = tf.train.momentum(0.001, 0.9);
const pixels = Float32Array.from(
  { length: batch * side * side * 3 },
  (_, i) => Math.sin(i * 0.7) + Math.cos(i * 0.011),
);
const classes = Array.from({ length: batch }, (_, i) => i % 2);

/** Runs upload, forward, loss, backward and update. @returns the loss */
function step() {
  const images = tf.tensor4d(pixels, [batch, side, side, 3]);
  const labels = tf.oneHot(tf.tensor1d(classes, 'int32'), 2);
  const loss = optimizer.minimize(
    () => tf.losses.softmaxCrossEntropy(labels, model.apply(images, { training: true })),
    true,
  );
  tf.dispose([images, labels]);
  return loss;
}

for await (const line of createInterface({ input: process.stdin })) {
  const [work, count] = line.split(' ');
  if (work !== 'finetune-step') throw new Error(`tfjs.mjs times finetune-step only, not ${work}.`);
  const start = performance.now();
  for (let i = 1; i < Number(count); i++) step().dispose();
  const last = step();
  const [value] = await last.data();
  last.dispose();
  if (!Number.isFinite(value)) throw new Error(`The loss is ${value}.`);
  say((performance.now() - start) / Number(count));
}
process.exit(0); // its device keeps Node alive

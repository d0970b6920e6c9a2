/** Run by exit.test.ts: uses a device, closes it, and must then exit by itself. */

import { relu, Tensor } from '../../src/autograd/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';

const gpu = await openGpu();
const input = Tensor.from(gpu, Float32Array.of(-1, 2), [2]);
const values = await relu(input).data();
console.log(`values ${values.join(' ')}`);
gpu.close();

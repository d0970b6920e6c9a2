/** Grad-CAM against its closed form: above layer4 lies only a mean, so each channel's weight is the last layer's / places. */
import { expect } from 'vitest';
import { noGrad } from '../../src/autograd/graph.ts';
import { scope } from '../../src/autograd/scope.ts';
import { Tensor } from '../../src/autograd/tensor.ts';
import { gradCam, ResNet } from '../../src/models/index.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { expectClose } from '../support/compare.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();

const SIDE = 64;
const PLACES = 4;

function drawn() {
  const random = new Generator(3);
  const model = new ResNet(gpu, [1, 1, 1, 1], { classes: 3, random }).eval();
  const pixels = random.fillNormal(new Float32Array(2 * 3 * SIDE * SIDE));
  return { model, images: Tensor.from(gpu, pixels, [2, 3, SIDE, SIDE]) };
}

/** torch's bilinear weights of the two places of a side, at pixel `at`. */
function share(at: number): readonly [number, number] {
  const place = Math.min(1, Math.max(0, ((at + 0.5) * 2) / SIDE - 0.5));
  return [1 - place, place];
}

gpuTest('each channel of layer4 counts as the class’s weight says, and maps are resized bilinearly', async () => {
  const { model, images } = drawn();
  const classes = [2, 0];
  const maps = await scope(() => noGrad(() => model.maps(images))).data();
  const weights = (await model.exportState()).get('fc.weight')!.data;
  const heat = await gradCam(model, images, classes).data();
  const expected = classes.flatMap((index, n) => {
    const places = Array.from({ length: PLACES }, (_, place) => {
      let total = 0;
      for (let c = 0; c < 512; c++)
        total += (weights[index * 512 + c]! / PLACES) * maps[(n * 512 + c) * PLACES + place]!;
      return Math.max(0, total);
    });
    return Array.from({ length: SIDE * SIDE }, (_, i) => {
      const [top, bottom] = share(Math.floor(i / SIDE));
      const [left, right] = share(i % SIDE);
      return top * (left * places[0]! + right * places[1]!) + bottom * (left * places[2]! + right * places[3]!);
    });
  });
  const most = Math.max(...expected);
  expect(most).toBeGreaterThan(0);
  expectClose('heat', heat, expected, { atol: 1e-5 * most, rtol: 1e-4 });
  expect(model.parameters().every(({ grad, requiresGrad }) => grad === undefined && requiresGrad)).toBe(true);
  model.dispose();
});

gpuTest('refuses training mode, classes that are not there and a wrong number of them', () => {
  const { model, images } = drawn();
  expect(() => gradCam(model, images, 3)).toThrow('0 to 2, found 3');
  expect(() => gradCam(model, images, [0])).toThrow('one class for each of 2 pictures, found 1');
  expect(() => gradCam(model.train(), images, 0)).toThrow('Call model.eval()');
  model.dispose();
});

/** Copies from a buffer into parts of a texture. */

import { describe, expect } from 'vitest';
import { defineKernel, launch } from '../../src/kernels/kernel.ts';
import { copyToTexture } from '../../src/kernels/texture-copy.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();

describe('copying into a texture', () => {
  const numbers = defineKernel({
    name: 'test_numbers',
    bindings: { texture: 'texture_read', output: 'read_write' },
    uniforms: { texels: 'u32' },
    wgsl: `
      struct Params { texels: u32 }
      @group(0) @binding(0) var texture: texture_storage_2d<rgba32float, read>;
      @group(0) @binding(1) var<storage, read_write> output: array<vec4<f32>>;
      @group(0) @binding(2) var<uniform> params: Params;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
        let width = textureDimensions(texture).x;
        if (id.x < params.texels) { output[id.x] = textureLoad(texture, vec2(id.x % width, id.x / width)); }
      }`,
  });

  for (const [what, texels, firstLine] of [
    ['a part of a line', 5, 0],
    ['whole lines', 64, 0],
    ['lines and a part of one', 71, 0],
    ['lines and a part of one, later', 39, 1],
  ] as const)
    gpuTest(`copies ${what}, from the first value on, and leaves the rest unchanged`, async () => {
      const [width, height] = [32, 3];
      const count = 4 * width * height;
      const [source, output] = [gpu.pool.acquire(4 * count), gpu.pool.acquire(4 * count)];
      const texture = gpu.pool.acquireTexture(width, height);
      gpu.upload(source, new Float32Array(count).fill(-1));
      copyToTexture(gpu, source, texture);
      gpu.upload(
        source,
        Float32Array.from({ length: count }, (_, i) => i),
      );
      copyToTexture(gpu, source, texture, { texels, firstLine });
      launch(gpu, numbers, {
        buffers: { texture, output },
        uniforms: { texels: width * height },
        workgroups: [Math.ceil((width * height) / 64), 1, 1],
      });
      const found = new Float32Array(await gpu.read(output, 4 * count));
      expect(Array.from(found)).toEqual(
        Array.from({ length: count }, (_, i) => {
          const place = i - 4 * width * firstLine;
          return place >= 0 && place < 4 * texels ? place : -1;
        }),
      );
      for (const pooled of [source, output, texture]) gpu.pool.release(pooled);
    });
});

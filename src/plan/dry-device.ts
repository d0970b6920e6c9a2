/**
 * A device that computes nothing and holds no memory. Everything can be recorded on it, and nothing can be read back.
 * It rehearses a run with the code that will train, to find the run's memory and kernel choices.
 */
import { type AdapterTraits, Gpu } from '../gpu/gpu.ts';
import type { KernelChooser } from '../gpu/kernel-chooser.ts';

/** Opens a `Gpu` for rehearsals, with these adapter traits. */
export function openDryGpu(traits: AdapterTraits, chooser?: KernelChooser): Gpu {
  return new Gpu(dryDevice(), traits, { chooser });
}

/** The part of a GPUDevice that `Gpu` records on. */
function dryDevice(): GPUDevice {
  const nothing = () => {};
  const pass = { setPipeline: nothing, setBindGroup: nothing, dispatchWorkgroups: nothing, end: nothing };
  const encoder = {
    beginComputePass: () => pass,
    clearBuffer: nothing,
    copyBufferToBuffer: nothing,
    copyBufferToTexture: nothing,
    finish: () => ({}),
  };
  const device = {
    features: new Set<string>(),
    queue: { submit: nothing, writeBuffer: nothing },
    // A dry device is never lost.
    lost: new Promise(nothing),
    addEventListener: nothing,
    destroy: nothing,
    createBuffer: ({ size }: GPUBufferDescriptor) => ({
      size,
      getMappedRange: () => new ArrayBuffer(size),
      unmap: nothing,
      destroy: nothing,
    }),
    createTexture: () => ({ createView: () => ({}) }),
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createShaderModule: () => ({}),
    createComputePipeline: () => ({}),
    createBindGroup: () => ({}),
    createCommandEncoder: () => encoder,
  };
  return device as unknown as GPUDevice;
}

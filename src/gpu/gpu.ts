/**
 * The runtime between kernels and WebGPU. It records dispatches into few submissions, caches pipelines and bind groups,
 * owns the buffer pool and reads results back. After a lost device or an uncaptured error, the next call throws a typed
 * error. Nothing here knows tensors.
 *
 * One `Gpu` belongs to one device. Everything is synchronous except reading back and closing.
 */
import { type BindableProgram, Bindings } from './bindings.ts';
import { BoundedCache } from './bounded-cache.ts';
import { DeviceLostError, GpuError, OutOfMemoryError } from './errors.ts';
import { ShaderStage } from './flags.ts';
import { ChooserSlot, type KernelChooser } from './kernel-chooser.ts';
import { BufferPool, type Pooled, type PooledBuffer } from './pool.ts';
import { Profiler } from './profiler.ts';
import { type Readback, Readbacks } from './readbacks.ts';
import type { KernelTiming } from './timing.ts';
import type { Wait } from './wait.ts';
import type { WebGpuCommandEncoder, WebGpuDevice } from './webgpu-types.ts';

/** Facts about the adapter that kernel choice may depend on. Plain data: tests make their own. */
export interface AdapterTraits {
  /** `cpu` for software adapters (lavapipe, SwiftShader), `gpu` otherwise. */
  readonly kind: 'cpu' | 'gpu';
  /** Invocations per subgroup if that is fixed and the device has subgroups, else 0. */
  readonly subgroupSize: number;
  readonly maxWorkgroupStorage: number;
  readonly maxInvocations: number;
  /** Whether shaders may use f16: the device was opened for half precision, and the adapter has it. */
  readonly shaderF16: boolean;
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
}

/** How a kernel uses a buffer or, in the last two cases, a texture. A written resource is bound only once. */
export type Access = 'read' | 'read_write' | 'texture_read' | 'texture_write';

/** A compute shader, ready to compile. Equal `key` means equal code. */
export interface Program {
  readonly key: string;
  readonly name: string;
  readonly code: () => string;
  /** Access of each storage binding, in order. The uniform block, if any, is the binding after them. */
  readonly access: readonly Access[];
  readonly hasUniforms: boolean;
}

/** One run of a program. `launch` makes it from a kernel. */
export interface Dispatch {
  readonly program: Program;
  /** Textures too, if the program's access says so. */
  readonly buffers: readonly Pooled[];
  /** Bytes of the uniform block, if the program has one. */
  readonly uniforms?: Uint8Array;
  readonly workgroups: readonly [number, number, number];
  /** Shown in timings, for instance a shape. */
  readonly label?: string;
}

/** Options of a `Gpu`. */
export interface GpuOptions {
  /** How to wait for a promise of the device. A plain await by default. */
  readonly wait?: Wait | undefined;
  /** Chooses the kernels on this device. By default the shipped tables choose. */
  readonly chooser?: KernelChooser | undefined;
}

export type { Readback };

/**
 * Dispatches per submission: enough to keep submissions few, and few enough for the device to start while we record.
 */
const DISPATCHES_PER_SUBMIT = 48;

/** Pipelines per generation of their cache. A step of resnet18 uses some sixty. */
const PIPELINES = 1024;

type BindingLayout = Omit<GPUBindGroupLayoutEntry, 'binding' | 'visibility'>;

const LAYOUTS = {
  read: { buffer: { type: 'read-only-storage' } },
  read_write: { buffer: { type: 'storage' } },
  texture_read: { storageTexture: { access: 'read-only', format: 'rgba32float' } },
  texture_write: { storageTexture: { access: 'write-only', format: 'rgba32float' } },
} as const satisfies Record<Access, BindingLayout>;

interface Compiled extends BindableProgram {
  readonly pipeline: GPUComputePipeline;
}

/**
 * A device; `openGpu` opens one. Tensors and modules belong to one device each. Recorded work runs in order, and only
 * reading back waits. Once the device is lost or has reported an error, every call throws that error.
 */
export class Gpu {
  /** WebGPU's device; typed if WebGPU's types are available (see `webgpu-types.ts`). */
  readonly device: WebGpuDevice;
  readonly traits: AdapterTraits;
  readonly pool: BufferPool;
  /** Bytes of the largest buffer that a kernel can bind. */
  readonly largestBuffer: number;
  /** Called with each dispatch when it is recorded, before it runs. For measurements and tests. */
  onDispatch: ((dispatch: Dispatch) => void) | undefined;
  readonly #wait: Wait;
  readonly #compiled = new BoundedCache<string, Compiled>(PIPELINES);
  readonly #bindings: Bindings;
  readonly #readbacks: Readbacks;
  readonly #choosers: ChooserSlot;
  #profiler: Profiler | undefined;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #recorded = 0;
  #submits = 0;
  #dispatches = 0;
  #compilations = 0;
  #failure: Error | undefined;
  #closed = false;

  constructor(device: WebGpuDevice, traits: AdapterTraits, options: GpuOptions = {}) {
    this.device = device;
    this.traits = traits;
    this.#wait = options.wait ?? ((promise) => promise);
    this.#choosers = new ChooserSlot(options.chooser);
    this.pool = new BufferPool(device);
    // A stand-in device has no limits.
    const { maxBufferSize = Infinity, maxStorageBufferBindingSize = Infinity } = device.limits ?? {};
    this.largestBuffer = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    this.#bindings = new Bindings(device);
    this.#readbacks = new Readbacks(device, this.#wait);
    device.addEventListener('uncapturederror', (event) => {
      const { error } = event as GPUUncapturedErrorEvent;
      // The first error is the cause; later ones are its consequences.
      this.#failure ??=
        error.constructor.name === 'GPUOutOfMemoryError'
          ? new OutOfMemoryError(error.message)
          : new GpuError(`WebGPU error: ${error.message}`);
    });
    void device.lost.then((info) => {
      // After a device error, the loss of the device is a consequence too.
      if (!this.#closed) this.#failure ??= new DeviceLostError(info.reason ?? 'unknown', info.message);
    });
  }

  /**
   * Records one dispatch.
   * @throws the error that an earlier dispatch caused, if any
   */
  dispatch(dispatch: Dispatch): void {
    const { program, buffers, uniforms, workgroups, label } = dispatch;
    this.#throwIfFailed();
    this.onDispatch?.(dispatch);
    const compiled = this.#compile(program);
    const bindGroup = this.#bindings.of(compiled, buffers, program.hasUniforms ? uniforms : undefined);
    const pass = this.#beginPass(program.name, label ?? '');
    pass.setPipeline(compiled.pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(...workgroups);
    program.access.forEach((access, i) => {
      if (access === 'read_write') (buffers[i] as PooledBuffer).version++;
    });
    if (this.#profiler) this.#endPass();
    this.#dispatches++;
    if (++this.#recorded >= DISPATCHES_PER_SUBMIT) this.flush();
  }

  /** Compiles a program before its first dispatch needs it. */
  compile(program: Program): void {
    this.#throwIfFailed();
    this.#compile(program);
  }

  /** Writes host data into a buffer, in order with the commands recorded before. */
  upload(target: PooledBuffer, data: ArrayBufferView<ArrayBuffer>): void {
    this.#throwIfFailed();
    // writeBuffer takes effect now, so commands recorded before must already be in the queue.
    this.flush();
    this.device.queue.writeBuffer(target.buffer, 0, data.buffer, data.byteOffset, data.byteLength);
    target.version++;
  }

  /** Fills a buffer with zeros. */
  clear(target: PooledBuffer): void {
    this.#throwIfFailed();
    this.#encoderOutsidePass().clearBuffer(target.buffer);
    target.version++;
    this.#recorded++;
  }

  /** Copies `bytes` bytes between buffers on the device. */
  copy(source: PooledBuffer, target: PooledBuffer, bytes: number): void {
    this.#throwIfFailed();
    this.#encoderOutsidePass().copyBufferToBuffer(source.buffer, 0, target.buffer, 0, Math.ceil(bytes / 4) * 4);
    target.version++;
    this.#recorded++;
  }

  /** Records other commands than dispatches, in order with the rest. They change no version of a buffer. */
  encode(commands: (encoder: WebGpuCommandEncoder) => void): void {
    this.#throwIfFailed();
    commands(this.#encoderOutsidePass());
    this.#recorded++;
  }

  /** Submits everything recorded so far. */
  flush(): void {
    this.#endPass();
    if (this.#encoder) {
      this.device.queue.submit([this.#encoder.finish()]);
      this.#encoder = undefined;
      this.#submits++;
      this.#bindings.submitted();
    }
    this.#recorded = 0;
  }

  /** Copies the first `bytes` bytes of a buffer for the host, after everything recorded so far, and submits. */
  readback(source: PooledBuffer, bytes: number): Readback {
    this.#throwIfFailed();
    const fill = (staging: GPUBuffer, size: number) => {
      this.#encoderOutsidePass().copyBufferToBuffer(source.buffer, 0, staging, 0, size);
      this.flush();
    };
    return this.#readbacks.start(bytes, fill, () => this.#throwCause());
  }

  /** The first `bytes` bytes of a buffer, after everything recorded so far. */
  async read(source: PooledBuffer, bytes: number): Promise<ArrayBuffer> {
    return this.readback(source, bytes).get();
  }

  /** Submits everything recorded so far and resolves when it has run. */
  async idle(): Promise<void> {
    this.flush();
    await this.#wait(this.device.queue.onSubmittedWorkDone());
    this.#throwIfFailed();
  }

  /**
   * Starts timing each dispatch.
   * @throws GpuError if the device has no timestamp queries
   */
  startProfiling(): void {
    if (!this.device.features.has('timestamp-query')) {
      throw new GpuError(
        'startProfiling: this device has no timestamp queries, so kernels cannot be timed one by one. Open it ' +
          'without `minimal`, or choose another adapter.',
      );
    }
    this.flush();
    this.#profiler ??= new Profiler(this.device);
  }

  /** Timings of the dispatches since `startProfiling` or the last call. */
  async takeTimings(): Promise<KernelTiming[]> {
    this.flush();
    const timings = (await this.#profiler?.take(this.#wait)) ?? [];
    this.#throwIfFailed();
    return timings;
  }

  /** Stops timing dispatches. Timings that were not taken are lost. */
  stopProfiling(): void {
    this.flush();
    this.#profiler?.destroy();
    this.#profiler = undefined;
  }

  /** The current kernel chooser; undefined if none was set. */
  get chooser(): KernelChooser | undefined {
    return this.#choosers.current;
  }

  /**
   * Runs a synchronous `fn` with another chooser, then restores the previous one, even if `fn` throws.
   * @throws TypeError if `fn` is asynchronous: code after its first await would run with another chooser
   */
  withChooser<T>(chooser: KernelChooser, fn: () => T): T {
    return this.#choosers.during(chooser, fn);
  }

  /** Counters for tests and reports. */
  get stats() {
    return {
      submits: this.#submits,
      dispatches: this.#dispatches,
      pipelines: this.#compiled.size,
      bindGroups: this.#bindings.size,
      openReadbacks: this.#readbacks.open,
    };
  }

  /** Throws the typed error of a lost device or of an uncaptured error, once one is known. */
  #throwIfFailed(): void {
    if (this.#failure) throw this.#failure;
    if (this.#closed) throw new GpuError('This device was closed, so nothing can run on it. Open another one.');
  }

  /** Destroys the device, so the process can exit. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#profiler?.destroy();
    this.#bindings.clear();
    this.#compiled.clear();
    this.device.destroy();
  }

  /** Throws the cause of a failed wait. A lost device may be reported a moment after the wait failed. */
  async #throwCause(): Promise<void> {
    await Promise.race([this.device.lost, new Promise((resolve) => setTimeout(resolve, 100))]);
    this.#throwIfFailed();
  }

  #compile(program: Program): Compiled {
    const known = this.#compiled.get(program.key);
    if (known) return known;
    const types: BindingLayout[] = program.access.map((a) => LAYOUTS[a]);
    if (program.hasUniforms) types.push({ buffer: { type: 'uniform' } });
    const layout = this.device.createBindGroupLayout({
      entries: types.map((type, binding) => ({ binding, visibility: ShaderStage.COMPUTE, ...type })),
    });
    const module = this.device.createShaderModule({ code: program.code(), label: program.name });
    const pipeline = this.device.createComputePipeline({
      label: program.name,
      layout: this.device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module },
    });
    const compiled = { id: this.#compilations++, pipeline, layout };
    this.#compiled.set(program.key, compiled);
    return compiled;
  }

  #beginPass(kernel: string, label: string): GPUComputePassEncoder {
    if (this.#pass) return this.#pass;
    this.#encoder ??= this.device.createCommandEncoder();
    const timestampWrites = this.#profiler?.next(kernel, label);
    this.#pass = this.#encoder.beginComputePass(timestampWrites ? { timestampWrites } : {});
    return this.#pass;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }

  #encoderOutsidePass(): GPUCommandEncoder {
    this.#endPass();
    this.#encoder ??= this.device.createCommandEncoder();
    return this.#encoder;
  }
}

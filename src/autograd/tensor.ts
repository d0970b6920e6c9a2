/** Tensor: a shape over device memory, and its place in the autograd graph. Contiguous, row-major; images are NCHW. */
import type { Gpu, Readback } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import { bytesOf, type DType } from './dtype.ts';
import { expectDType } from './errors.ts';
import { fromHalf, toHalf } from './half.ts';
import { adopt } from './scope.ts';
import { Storage } from './storage.ts';

/** Extents, outermost first; `[]` for a single number. */
export type Shape = readonly number[];
/** Number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Before memory is taken: a failing tensor must not leave any behind. */
function checkExtents(shape: Shape): void {
  if (shape.every((extent) => Number.isInteger(extent) && extent >= 1)) return;
  throw new RangeError(`A tensor needs positive whole extents, got [${shape.join(', ')}].`);
}

/**
 * Numbers on a device: contiguous, row-major, f32, u32 or f16. It has its memory until it is disposed, by hand or by the scope
 * it was made in. Ops take tensors of one device and give new ones; none changes its inputs or waits for the device.
 */
export class Tensor {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly storage: Storage;
  /** d(loss)/d(this) after backward, on leaves that require it. Same shape. */
  grad: Tensor | undefined;
  #disposed = false;
  #requiresGrad = false;

  /** Wraps a storage that is large enough, taking over one reference to it. Use `Tensor.from` or `Tensor.empty`. */
  constructor(storage: Storage, shape: Shape, dtype: DType = 'f32') {
    this.storage = storage;
    this.shape = shape;
    this.dtype = dtype;
    adopt(this);
  }

  /** A tensor whose content is not yet written. */
  static empty(gpu: Gpu, shape: Shape, dtype: DType = 'f32'): Tensor {
    checkExtents(shape);
    return new Tensor(new Storage(gpu, bytesOf(sizeOf(shape), dtype)), shape, dtype);
  }

  /** A tensor of zeros. */
  static zeros(gpu: Gpu, shape: Shape): Tensor {
    const tensor = Tensor.empty(gpu, shape);
    gpu.clear(tensor.buffer);
    return tensor;
  }

  /** A tensor with the given values: f32 from a Float32Array, u32 from a Uint32Array. */
  static from(gpu: Gpu, data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>, shape: Shape): Tensor {
    if (data.length !== sizeOf(shape)) {
      throw new RangeError(
        `A tensor of shape [${shape.join(', ')}] needs ${sizeOf(shape)} values, got ${data.length}.`,
      );
    }
    const tensor = Tensor.empty(gpu, shape, data instanceof Uint32Array ? 'u32' : 'f32');
    gpu.upload(tensor.buffer, data);
    return tensor;
  }

  /**
   * Whether backward is to compute a gradient for it. Set on leaves by their owner, on results by the tape.
   * @throws DTypeError where it is set on a tensor that is not f32
   */
  get requiresGrad(): boolean {
    return this.#requiresGrad;
  }

  set requiresGrad(required: boolean) {
    if (required) expectDType('requiresGrad', 'a tensor with a gradient', this, 'f32');
    this.#requiresGrad = required;
  }

  /** The device that it is on. */
  get gpu(): Gpu {
    return this.storage.gpu;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** Its memory, for kernels; may be larger than the tensor. @throws Error if it was disposed */
  get buffer(): PooledBuffer {
    return this.storage.buffer;
  }

  /** Whether `dispose` was called. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** Another tensor over the same memory. It must have as many elements; gradients do not flow to the original. */
  view(shape: Shape = this.shape): Tensor {
    checkExtents(shape);
    if (sizeOf(shape) !== this.size) {
      throw new RangeError(`A view of [${this.shape.join(', ')}] cannot have shape [${shape.join(', ')}].`);
    }
    return new Tensor(this.storage.retain(), shape, this.dtype);
  }

  /** Replaces the values in place; those of an f16 tensor are given as f32, and rounded. */
  set(data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): void {
    if (data.length !== this.size || data instanceof Uint32Array !== (this.dtype === 'u32')) {
      throw new RangeError(`This tensor takes ${this.size} values of type ${this.dtype}, got ${data.length}.`);
    }
    this.gpu.upload(this.buffer, this.dtype === 'f16' ? toHalf(data) : data);
    this.storage.version++;
  }

  /** The values, once everything recorded so far has run; those of an f16 tensor as f32. */
  async data(): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array(await this.readback().get());
  }

  /** Starts reading the values: f32 or u32, and of an f16 tensor f32, which hold them exactly. */
  readback(): Readback {
    const { size, dtype } = this;
    const bytes = this.gpu.readback(this.buffer, bytesOf(size, dtype));
    if (dtype !== 'f16') return bytes;
    return { get: async () => fromHalf(new Uint16Array(await bytes.get(), 0, size)).buffer };
  }

  /** The value of a tensor with one element. */
  async item(): Promise<number> {
    if (this.size !== 1) throw new RangeError(`item() needs one element, got shape [${this.shape.join(', ')}].`);
    return (await this.data())[0]!;
  }

  /** Lets go of the memory, and of the gradient. Calling it twice is harmless. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.storage.release();
    this.zeroGrad();
  }

  /** Drops the gradient: the next backward starts a new one. */
  zeroGrad(): void {
    this.grad?.dispose();
    this.grad = undefined;
  }
}

/** Tensor: a shape over device memory, and its place in a graph. Contiguous, row-major; images are NCHW. */
import type { Gpu, Readback } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import { mayRead } from './backward-reads.ts';
import { bytesOf, DTYPES, type DType, type Floating, type ValuesOf } from './dtype.ts';
import {
  DisposedTensorError,
  DTypeError,
  expectDType,
  expectShape,
  expectUsable,
  formatShape,
  GraphError,
} from './errors.ts';
import { fromHalf } from './half.ts';
import { Holdings } from './holdings.ts';
import { adopt } from './scope.ts';
import { Storage } from './storage.ts';
import { unwatch } from './unowned.ts';
import { dtypeOf, type HostValues, toStored, toValues } from './values.ts';

/** Extents, outermost first; `[]` for a single value. With an extent of 0 there are no values. */
export type Shape = readonly number[];
/** Number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Runs before memory is allocated: a failing tensor must not leave any behind. */
function checkExtents(shape: Shape): void {
  if (!Array.isArray(shape)) throw new TypeError(`A shape is an array of extents, got ${String(shape)}.`);
  if (shape.every((extent) => Number.isInteger(extent) && extent >= 0)) return;
  throw new RangeError(`The extents of a tensor must be whole numbers of at least 0, got ${formatShape(shape)}.`);
}

function checkDType(owner: string, dtype: DType): void {
  if (DTYPES.includes(dtype)) return;
  throw new DTypeError(`${owner}: the type must be ${DTYPES.join(', ')}, got ${String(dtype)}.`);
}

/** A buffer that is too large would fail later, and with it all that was recorded meanwhile. */
function checkBytes(gpu: Gpu, shape: Shape, bytes: number): void {
  const most = gpu.largestBuffer;
  if (bytes <= most) return;
  throw new RangeError(
    `A tensor of shape ${formatShape(shape)} takes ${bytes} bytes; this device allows at most ${most} in one buffer.`,
  );
}

/**
 * Values on a device: contiguous, row-major, f32, f16, u32 or i32. A tensor has its memory until it is disposed (by the
 * caller or by its scope) or collected by JavaScript. Ops take tensors of one device and return new ones. No op changes
 * its inputs or waits for the device.
 */
export class Tensor<D extends DType = Floating> {
  readonly shape: Shape;
  readonly dtype: D;
  /** The device memory and graph that it refers to. */
  readonly holdings: Holdings;
  #grad: Tensor | undefined;
  #requiresGrad = false;

  /**
   * Wraps a storage that is large enough, and takes ownership of one reference to it. Use `Tensor.from` or
   * `Tensor.empty`.
   */
  constructor(storage: Storage, shape: Shape, dtype: D, label = 'Tensor') {
    // A copy: the caller may go on to change its array.
    this.shape = Object.freeze([...shape]);
    this.dtype = dtype;
    this.holdings = new Holdings(storage, label);
    try {
      adopt(this);
    } catch (error) {
      this.holdings.release();
      throw error;
    }
  }

  /** A tensor with undefined content. */
  static empty(gpu: Gpu, shape: Shape): Tensor;
  static empty<D extends DType>(gpu: Gpu, shape: Shape, dtype: D): Tensor<D>;
  static empty(gpu: Gpu, shape: Shape, dtype: DType = 'f32'): Tensor<DType> {
    checkExtents(shape);
    checkDType('Tensor.empty', dtype);
    const bytes = bytesOf(sizeOf(shape), dtype);
    checkBytes(gpu, shape, bytes);
    return new Tensor(new Storage(gpu, bytes), shape, dtype, 'Tensor.empty');
  }

  /** A tensor of zeros. */
  static zeros(gpu: Gpu, shape: Shape): Tensor {
    const tensor = Tensor.empty(gpu, shape);
    gpu.clear(tensor.buffer);
    tensor.holdings.label = 'Tensor.zeros';
    return tensor;
  }

  /**
   * A tensor with a copy of the given values. Its type is f32 for a Float32Array, a Float64Array (rounded) and an array
   * of numbers, u32 for a Uint32Array, i32 for an Int32Array. Other arrays need an explicit type.
   * @param shape one dimension by default
   * @throws DTypeError if the data is no array of numbers, or needs an explicit type
   * @throws RangeError if the shape has another size, or an integer type cannot hold a value
   */
  static from(gpu: Gpu, data: Uint32Array, shape?: Shape): Tensor<'u32'>;
  static from(gpu: Gpu, data: Int32Array, shape?: Shape): Tensor<'i32'>;
  static from(gpu: Gpu, data: Float32Array | Float64Array | readonly number[], shape?: Shape): Tensor;
  static from(
    gpu: Gpu,
    data: Float32Array | Float64Array | Int32Array | Uint32Array | readonly number[],
    shape?: Shape,
  ): Tensor<DType>;
  static from<D extends 'f32' | 'u32' | 'i32'>(gpu: Gpu, data: HostValues, shape: Shape, dtype: D): Tensor<D>;
  static from(gpu: Gpu, data: HostValues, shape: Shape = [data.length], dtype?: 'f32' | 'u32' | 'i32'): Tensor<DType> {
    if ((dtype as string | undefined) === 'f16') {
      throw new DTypeError(
        "Tensor.from: 'f16' is not made from values. Make an f32 tensor, and convert it with toDType().",
      );
    }
    const type = dtype ?? dtypeOf(data);
    checkDType('Tensor.from', type);
    checkExtents(shape);
    const values = toValues(data, type);
    if (values.length !== sizeOf(shape)) {
      throw new RangeError(
        `A tensor of shape ${formatShape(shape)} needs ${sizeOf(shape)} values, got ${values.length}.`,
      );
    }
    const tensor = Tensor.empty(gpu, shape, type);
    gpu.upload(tensor.buffer, values);
    tensor.holdings.label = 'Tensor.from';
    return tensor;
  }

  /**
   * Whether backward computes a gradient for it. Its owner sets it on a leaf; a result requires one if an input does.
   * @throws DTypeError if it is set on a tensor that is not f32
   * @throws GraphError if it is cleared on a result
   */
  get requiresGrad(): boolean {
    return this.#requiresGrad;
  }

  set requiresGrad(required: boolean) {
    if (required) expectDType('requiresGrad', 'a tensor that requires a gradient', this, 'f32');
    if (!required && this.holdings.graph) {
      throw new GraphError(
        `requiresGrad: this tensor is a result of ${this.holdings.label}, whose inputs decide it, so it cannot be ` +
          'cleared. Use its detach(), which requires no gradient.',
      );
    }
    this.#requiresGrad = required;
  }

  /**
   * d(loss)/d(this) after backward, on leaves that require it.
   * @throws ShapeError, DTypeError, DisposedTensorError or DeviceMismatchError if it is set to an unsuitable tensor
   */
  get grad(): Tensor | undefined {
    return this.#grad;
  }

  set grad(grad: Tensor | undefined) {
    if (grad) {
      expectShape('grad', 'the gradient', grad, this.shape);
      expectDType('grad', 'the gradient', grad, 'f32');
      expectUsable('grad', { tensor: this, 'the gradient': grad });
    }
    this.#grad = grad;
  }

  /** Its device. */
  get gpu(): Gpu {
    return this.holdings.storage.gpu;
  }

  /** Its memory, with the count of references to it. */
  get storage(): Storage {
    return this.holdings.storage;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /**
   * Its memory, for kernels; may be larger than the tensor.
   * @throws DisposedTensorError if it was disposed
   * @throws GraphError in the backward of an op that did not save it
   */
  get buffer(): PooledBuffer {
    const { released, storage } = this.holdings;
    // A backward may read inputs that were disposed: their graph keeps the saved ones.
    if (!mayRead(storage, this.shape) && released) this.#throwDisposed();
    return storage.buffer;
  }

  /** Whether its memory was released. */
  get disposed(): boolean {
    return this.holdings.released;
  }

  #throwDisposed(): never {
    throw new DisposedTensorError(
      `A tensor of shape ${formatShape(this.shape)} (${this.holdings.label}) was disposed, by dispose() or at the end of the ` +
        'scope it was made in. Return it from the scope, or keep() it.',
    );
  }

  /** Another tensor over the same memory. No gradient flows through it to this one. */
  detach(): Tensor<D> {
    return this.alias(this.shape);
  }

  /** A view of any shape, for ops that record it. @throws RangeError if it has another number of elements */
  alias(shape: Shape): Tensor<D> {
    checkExtents(shape);
    if (sizeOf(shape) !== this.size) {
      throw new RangeError(
        `A view of ${formatShape(this.shape)} cannot have shape ${formatShape(shape)}: both must have as many values.`,
      );
    }
    const { released, storage, label } = this.holdings;
    if (!mayRead(storage, this.shape) && released) this.#throwDisposed();
    return new Tensor(storage.retain(), shape, this.dtype, label);
  }

  /**
   * Replaces the values in place. An f16 tensor takes f32 values and rounds them. Arrays are converted as in `from`.
   * @throws RangeError or DTypeError for values that it cannot hold
   */
  set(data: HostValues): void {
    const { size, dtype } = this;
    const values = toValues(data, dtype as DType);
    if (values.length !== size) {
      throw new RangeError(
        `A tensor of shape ${formatShape(this.shape)} takes ${size} values of type ${dtype}, got ${values.length}.`,
      );
    }
    this.gpu.upload(this.buffer, toStored(values, dtype));
  }

  /** The values in the host array of its type, once everything recorded so far has run. f16 values come as f32. */
  async data(): Promise<ValuesOf[D]> {
    const bytes = await this.readback().get();
    const values =
      this.dtype === 'u32'
        ? new Uint32Array(bytes)
        : this.dtype === 'i32'
          ? new Int32Array(bytes)
          : new Float32Array(bytes);
    return values as ValuesOf[D];
  }

  /** Starts reading the values: the bytes of the array that `data` returns. */
  readback(): Readback {
    const { size, dtype } = this;
    const bytes = this.gpu.readback(this.buffer, bytesOf(size, dtype));
    if (dtype !== 'f16') return bytes;
    let singles: Promise<ArrayBuffer> | undefined;
    const convert = async () => fromHalf(new Uint16Array(await bytes.get(), 0, size)).buffer;
    return {
      get: () => {
        singles ??= convert();
        return singles;
      },
    };
  }

  /** The value of a tensor with one element. */
  async item(): Promise<number> {
    if (this.size !== 1) {
      throw new RangeError(`item() needs one element, got shape ${formatShape(this.shape)}. Use data().`);
    }
    return (await this.data())[0]!;
  }

  /** Releases the memory, the graph behind it and the gradient. Calling it twice is harmless. */
  dispose(): void {
    unwatch(this.holdings);
    this.holdings.release();
    this.zeroGrad();
  }

  /** Drops the gradient: the next backward starts a new one. */
  zeroGrad(): void {
    this.#grad?.dispose();
    this.#grad = undefined;
  }
}

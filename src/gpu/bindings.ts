/**
 * The bind groups of dispatches. One names a program's buffers and a slot with its uniform block. A step of training
 * repeats its dispatches, so it finds every bind group here and writes nothing.
 *
 * Uniform values that change with every step, such as a learning rate, make nothing new either: some bind groups take
 * turns, and each time one of their slots is written again. A dynamic offset into a ring of blocks would need fewer
 * bind groups. But lavapipe copies the descriptors at every dispatch that has one, which cost a step of resnet18 2 %.
 */
import { BoundedCache } from './bounded-cache.ts';
import { suggestCollection } from './collect.ts';
import type { Pooled } from './pool.ts';
import { type UniformSlot, UniformSlots } from './uniform-slots.ts';
import type { WebGpuDevice } from './webgpu-types.ts';

/**
 * Bind groups per generation of the cache. A step of resnet18 uses some hundreds. On Linux each takes one to three of a
 * process's 65,530 memory maps.
 */
const BIND_GROUPS = 2048;
/** After this many dispatches, the bind groups that none of them used are dropped. Some 40 steps of resnet18. */
const AGE = 16_384;
/** WebGPU frees a bind group when JavaScript collects it. After this many were dropped, a collection is suggested. */
const DROPPED = 2048;
/** Bind groups with the same program and buffers that take turns when the uniform values change. */
const TURNS = 4;

/** A compiled program, as far as bind groups need it. */
export interface BindableProgram {
  readonly id: number;
  readonly layout: GPUBindGroupLayout;
}

interface Bound {
  readonly group: GPUBindGroup;
  readonly slot: UniformSlot | undefined;
  /** The current content of the slot. */
  block: Uint8Array | undefined;
  /** The submission and the dispatch that used it last. */
  submission: number;
  dispatch: number;
}

export class Bindings {
  readonly #device: WebGpuDevice;
  readonly #slots: UniformSlots;
  readonly #cache: BoundedCache<string, Bound>;
  /** Slots of dropped bind groups. Commands that are recorded but not submitted may still name them. */
  readonly #dropped: UniformSlot[] = [];
  #droppedSince = 0;
  #dispatches = 0;
  #submission = 0;

  constructor(device: WebGpuDevice) {
    this.#device = device;
    this.#slots = new UniformSlots(device);
    this.#cache = new BoundedCache(BIND_GROUPS, (entries) => this.#drop(entries));
  }

  get size(): number {
    return this.#cache.size;
  }

  /** The bind group of a dispatch that is recorded now. */
  of(program: BindableProgram, buffers: readonly Pooled[], block: Uint8Array | undefined): GPUBindGroup {
    if (++this.#dispatches % AGE === 0) this.#cache.age();
    const key = `${program.id}:${buffers.map(({ id }) => id).join(',')}`;
    const bound = this.#find(key, block) ?? this.#make(key, program, buffers, block);
    bound.submission = this.#submission;
    bound.dispatch = this.#dispatches;
    return bound.group;
  }

  /** Call it when everything recorded was submitted. */
  submitted(): void {
    this.#submission++;
    for (const slot of this.#dropped) this.#slots.giveBack(slot);
    this.#dropped.length = 0;
  }

  clear(): void {
    this.#cache.clear();
  }

  /** A bind group whose slot holds the block, or one whose slot may be written again. */
  #find(key: string, block: Uint8Array | undefined): Bound | undefined {
    let oldest: Bound | undefined;
    let turn = 0;
    for (; ; turn++) {
      const bound = this.#cache.get(turnKey(key, turn));
      if (!bound) break;
      if (!block || equal(bound.block!, block)) return bound;
      if (!oldest || bound.dispatch < oldest.dispatch) oldest = bound;
    }
    // The queue writes at once, so before the commands that are recorded but not submitted.
    if (turn < TURNS || !oldest || oldest.submission === this.#submission) return undefined;
    oldest.block = this.#write(oldest.slot!, block!);
    return oldest;
  }

  #make(key: string, program: BindableProgram, buffers: readonly Pooled[], block: Uint8Array | undefined): Bound {
    const resources: GPUBindingResource[] = buffers.map((b) =>
      'texture' in b ? b.texture.createView() : { buffer: b.buffer },
    );
    const slot = block && this.#slots.take(block.byteLength);
    if (slot) resources.push({ buffer: slot.buffer, offset: slot.offset, size: block.byteLength });
    const group = this.#device.createBindGroup({
      layout: program.layout,
      entries: resources.map((resource, binding) => ({ binding, resource })),
    });
    const bound = { group, slot, block: slot && this.#write(slot, block!), submission: 0, dispatch: 0 };
    let turn = 0;
    while (this.#cache.get(turnKey(key, turn))) turn++;
    this.#cache.set(turnKey(key, turn), bound);
    return bound;
  }

  #write({ buffer, offset }: UniformSlot, block: Uint8Array): Uint8Array {
    this.#device.queue.writeBuffer(buffer, offset, block as Uint8Array<ArrayBuffer>);
    return block;
  }

  #drop(entries: readonly Bound[]): void {
    for (const { slot } of entries) if (slot) this.#dropped.push(slot);
    this.#droppedSince += entries.length;
    if (this.#droppedSince < DROPPED) return;
    this.#droppedSince = 0;
    suggestCollection();
  }
}

const turnKey = (key: string, turn: number) => (turn === 0 ? key : `${key}#${turn}`);

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

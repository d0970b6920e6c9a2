/** The devices that random programs run on: one for each claim, with poisoned memory, opened when they are first wanted. */
import { openGpu } from '../../src/gpu/dawn.ts';
import type { AdapterTraits, Gpu } from '../../src/gpu/gpu.ts';
import { ALL_NAN, claim, LARGE, type PoisonOptions, poison } from '../support/poison.ts';
import type { Claim, Program } from './program.ts';

const TRAITS: Record<Claim, Partial<AdapterTraits>> = {
  own: {},
  plain: { kind: 'cpu', subgroupSize: 0 },
  // With a vendor whose class the tables know.
  gpu: { kind: 'gpu', vendor: 'nvidia' },
};

const POISONS: Record<Program['poison'], number> = { nan: ALL_NAN, large: LARGE };

interface Opened {
  readonly gpu: Gpu;
  readonly poison: PoisonOptions;
  programs: number;
}

/** Programs after which a device is opened anew: it keeps a bind group for each set of buffers, and blocks of uniforms. */
const RENEWED_AFTER = 500;

export class Devices {
  readonly #opened = new Map<Claim, Opened>();
  readonly #prepare: (gpu: Gpu) => void;
  /** Most pipelines that one device of a claim compiled. */
  readonly #pipelines = new Map<Claim, number>();
  /** What the adapter calls itself. */
  description = '';

  /** @param prepare called with each device that is opened, for instance to plant an error in its shaders */
  constructor(prepare: (gpu: Gpu) => void = () => {}) {
    this.#prepare = prepare;
  }

  /** The device of a program, poisoned as that wants it. */
  async of({ device, poison: kind }: Pick<Program, 'device' | 'poison'>): Promise<Gpu> {
    if ((this.#opened.get(device)?.programs ?? 0) >= RENEWED_AFTER) this.discard(device);
    const opened = this.#opened.get(device) ?? (await this.#open(device));
    opened.programs++;
    opened.poison.word = POISONS[kind];
    return opened.gpu;
  }

  async #open(device: Claim): Promise<Opened> {
    const gpu = await openGpu();
    this.description = gpu.traits.description;
    claim(gpu, TRAITS[device]);
    const options: PoisonOptions = { word: ALL_NAN, onRelease: true };
    poison(gpu, options);
    this.#prepare(gpu);
    const opened = { gpu, poison: options, programs: 0 };
    this.#opened.set(device, opened);
    return opened;
  }

  /** Closes a device: the next program of its claim gets a new one. After an error a device is not to be trusted. */
  discard(device: Claim): void {
    this.#count();
    this.#opened.get(device)?.gpu.close();
    this.#opened.delete(device);
  }

  /** Pipelines that were compiled, for each claim on the device that had the most. */
  get pipelines(): Readonly<Partial<Record<Claim, number>>> {
    this.#count();
    return Object.fromEntries(this.#pipelines);
  }

  #count(): void {
    for (const [device, { gpu }] of this.#opened) {
      this.#pipelines.set(device, Math.max(this.#pipelines.get(device) ?? 0, gpu.stats.pipelines));
    }
  }

  close(): void {
    for (const device of [...this.#opened.keys()]) this.discard(device);
  }
}

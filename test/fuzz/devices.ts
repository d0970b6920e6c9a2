/** The devices of random programs: one for each claim, with poisoned memory. They open on first use. */
import { openGpu } from '../../src/gpu/dawn.ts';
import type { AdapterTraits, Gpu } from '../../src/gpu/gpu.ts';
import { testChooser } from '../support/force.ts';
import { ALL_NAN, claim, LARGE, type PoisonOptions, poison } from '../support/poison.ts';
import type { Claim, Program } from './program.ts';

const TRAITS: Record<Claim, Partial<AdapterTraits>> = {
  own: {},
  plain: { kind: 'cpu', subgroupSize: 0 },
  // The tables know this vendor's class.
  gpu: { kind: 'gpu', vendor: 'nvidia' },
};

const POISONS: Record<Program['poison'], number> = { nan: ALL_NAN, large: LARGE };

interface Opened {
  readonly gpu: Gpu;
  readonly poison: PoisonOptions;
}

export class Devices {
  readonly #opened = new Map<Claim, Opened>();
  readonly #prepare: (gpu: Gpu) => void;
  /** The most pipelines that one device of a claim compiled. */
  readonly #pipelines = new Map<Claim, number>();
  /** The adapter's description of itself. */
  description = '';

  /** @param prepare called with each new device, for instance to plant an error in its shaders */
  constructor(prepare: (gpu: Gpu) => void = () => {}) {
    this.#prepare = prepare;
  }

  /** The device for a program, set to the program's kind of poison. */
  async of({ device, poison: kind }: Pick<Program, 'device' | 'poison'>): Promise<Gpu> {
    const opened = this.#opened.get(device) ?? (await this.#open(device));
    opened.poison.word = POISONS[kind];
    return opened.gpu;
  }

  async #open(device: Claim): Promise<Opened> {
    const gpu = await openGpu({ chooser: testChooser() });
    this.description = gpu.traits.description;
    claim(gpu, TRAITS[device]);
    const options: PoisonOptions = { word: ALL_NAN, onRelease: true };
    poison(gpu, options);
    this.#prepare(gpu);
    const opened = { gpu, poison: options };
    this.#opened.set(device, opened);
    return opened;
  }

  /** Closes a device after an error, which makes it useless. The next program of its claim gets a new one. */
  discard(device: Claim): void {
    this.#count();
    this.#opened.get(device)?.gpu.close();
    this.#opened.delete(device);
  }

  /** Compiled pipelines by claim, on the device that had the most. */
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

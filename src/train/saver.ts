/** Saves the state of a run while it goes on. */
import type { GeneratorState } from '../data/index.ts';
import type { Watchdog } from '../gpu/watchdog.ts';
import type { Checkpoint } from '../weights/index.ts';
import type { Best } from './best.ts';
import type { RunFolder } from './run-folder.ts';
import { type RunState, writtenState } from './run-state.ts';
import { SaveThread } from './save-thread.ts';
import { captureTraining, modelEntries, type TrainingParts, withExtra } from './training-state.ts';
import type { State } from './types.ts';

export interface SaverOptions {
  readonly parts: TrainingParts;
  readonly folder: RunFolder;
  readonly best: Best<State>;
  /** Metadata of best.safetensors as the best is now. */
  readonly metadataOf: () => Record<string, string>;
  readonly watchdog: Watchdog;
  /** Hash of best.safetensors if the folder has it. */
  readonly bestHash: string | undefined;
}

/** A state on its way from the device. */
export interface Captured {
  readonly checkpoint: Promise<Checkpoint>;
  /** The weights and statistics in it. */
  model(): Promise<State>;
}

export class Saver {
  readonly #options: SaverOptions;
  readonly #thread = new SaveThread();
  #bestHash: string | undefined;

  constructor(options: SaverOptions) {
    this.#options = options;
    this.#bestHash = options.bestHash;
  }

  /** Starts to read the state as it is now. @param generator where the generator is to go on */
  capture(generator: GeneratorState): Captured {
    const { parts, watchdog } = this.#options;
    const checkpoint = watchdog.watch(captureTraining(parts, {}, generator));
    // It is awaited when it is saved; a device that is lost meanwhile fails the step as well.
    checkpoint.catch(() => {});
    return { checkpoint, model: async () => modelEntries(await checkpoint) as State };
  }

  /** Call it when the best weights were replaced: the next save writes them. */
  bestChanged(): void {
    this.#bestHash = undefined;
  }

  /** Waits for the save before, then starts this one. @throws FileError if the save before failed */
  async save(captured: Captured, state: RunState): Promise<void> {
    const { folder, best, metadataOf } = this.#options;
    const checkpoint = withExtra(await captured.checkpoint, writtenState(state));
    const hash = await this.#thread.finish();
    this.#bestHash ??= this.#written === best.state ? hash : undefined;
    const isNew = this.#bestHash === undefined;
    const kept = new Set(Array.from(best.state.values(), ({ data }) => data.buffer));
    const buffers = Array.from(checkpoint.tensors.values(), ({ data }) => data.buffer as ArrayBuffer);
    const inLast = buffers.some((buffer) => kept.has(buffer));
    const bestFile = isNew
      ? { path: folder.bestPath, checkpoint: { tensors: new Map(best.state), metadata: metadataOf() }, inLast }
      : { sha256: this.#bestHash! };
    await this.#thread.start(
      { last: { path: folder.lastPath, checkpoint }, best: { epoch: best.epoch, acc: best.acc }, bestFile },
      buffers.filter((buffer) => !kept.has(buffer)),
    );
    if (isNew) this.#written = best.state;
  }

  /** The best weights that the save under way writes. */
  #written: State | undefined;

  /** Waits until everything is on disk. @throws FileError if it could not be written */
  async finish(): Promise<void> {
    await this.#thread.finish();
  }

  /** Ends the thread when its work is done. */
  async close(): Promise<void> {
    await this.#thread.close();
  }
}

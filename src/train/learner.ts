/** What learns in a run: which layers, at which rates, by which optimizer, and how many batches make an update. */
import type { Gpu } from '../gpu/gpu.ts';
import type { Criterion } from '../models/criterion.ts';
import type { Classifier } from '../models/index.ts';
import { groupPlace, learnFrom, makeOptimizer } from '../models/learning.ts';
import { type HostBatch, type StepResult, trainStep } from '../models/step.ts';
import type { TutorialMode } from '../models/types.ts';
import type { Optimizer } from '../optim/index.ts';
import type { NumberSettings } from '../plan/index.ts';
import type { Recipe } from './recipe.ts';
import { RunSchedule } from './schedule.ts';

export interface LearnerOptions {
  readonly gpu: Gpu;
  readonly model: Classifier;
  readonly mode: TutorialMode;
  readonly recipe: Recipe;
  readonly settings: NumberSettings;
  /** Number of pictures to train on. */
  readonly pictures: number;
  readonly criterion: Criterion;
}

/** Trains a network by the options of a run. Its parts are saved and restored with the network. */
export class Learner {
  readonly optimizer: Optimizer;
  readonly scheduler: RunSchedule;
  readonly #options: LearnerOptions;
  /** The first block that learns, once the frozen epochs are over; undefined if all do. */
  readonly #block: string | undefined;
  #learnsFrom: string | undefined;

  constructor(options: LearnerOptions) {
    const { model, mode, recipe, settings, pictures } = options;
    const { batchSize, accumulate } = settings;
    this.#options = options;
    this.#block = mode === 'finetune' ? recipe.unfreeze : model.headName;
    this.#learnsFrom = this.#block;
    learnFrom(model, this.#block);
    // Of all that will learn some day. Frozen layers have no gradient, and so no update, no decay and no momentum.
    this.optimizer = makeOptimizer(model, { ...settings, optimizer: recipe.optimizer });
    this.scheduler = new RunSchedule(
      this.optimizer,
      recipe,
      settings,
      Math.ceil(Math.ceil(pictures / batchSize) / accumulate),
    );
  }

  /**
   * Freezes what an epoch does not train. Call it before the epoch, or what is left of it.
   * @returns whether other layers learn than before, which needs other kernels
   */
  beginEpoch(epoch: number): boolean {
    const { model, settings } = this.#options;
    const from = epoch < settings.freezeEpochs ? model.headName : this.#block;
    const changes = from !== this.#learnsFrom;
    if (changes) learnFrom(model, from);
    this.#learnsFrom = from;
    return changes;
  }

  /** Whether a batch is the last of those that make one update together. */
  updatesAfter(step: number): boolean {
    return this.#place(step).updates;
  }

  /** Records the step on a batch of the epoch; the first one is 0. */
  step(batch: HostBatch, step: number): StepResult {
    const { gpu, model, settings, criterion } = this.#options;
    const place = this.#place(step);
    const { gradClip } = settings;
    const result = trainStep(gpu, model, this.optimizer, batch, { place, gradClip, criterion });
    if (place.updates) this.scheduler.afterUpdate();
    return result;
  }

  /** Frees what the optimizer keeps, and the gradients. The network stays. */
  dispose(): void {
    this.optimizer.zeroGrad();
    this.optimizer.dispose();
  }

  #place(step: number) {
    const { pictures, settings } = this.#options;
    return groupPlace(step, { pictures, ...settings });
  }
}

/**
 * Computes the device memory of a run before it allocates any. It rehearses steps of both phases on a device that holds
 * no memory (`dry-device.ts`), with the code that will train and the same pool. Every buffer is assigned to a category.
 * The driver's memory is not counted: compiled shaders, and its copies of uploads on their way.
 */
import { ShapeError } from '../autograd/errors.ts';
import { OutOfMemoryError } from '../gpu/errors.ts';
import type { AdapterTraits, Gpu, Program } from '../gpu/gpu.ts';
import { Chooser, type ChooserSettings } from '../kernels/chooser.ts';
import type { TunedChoices, Work } from '../kernels/work.ts';
import type { Criterion } from '../models/criterion.ts';
import { learnFrom, makeOptimizer } from '../models/learning.ts';
import { buildModel, fromScratch, type Start } from '../models/start.ts';
import { type HostBatch, type StepMarks, trainStep, valStep } from '../models/step.ts';
import type { OptimizerName, Phase, TrainMode } from '../models/types.ts';
import type { RandomSource } from '../nn/index.ts';
import { openDryGpu } from './dry-device.ts';
import { Ledger } from './ledger.ts';

/** The run to plan. */
export interface MemoryQuestion {
  readonly mode: TrainMode;
  readonly classes: number;
  readonly imageSize: number;
  readonly batchSize: number;
  /** 0 means no momentum, which takes no memory either. */
  readonly momentum: number;
  /** Default SGD. AdamW keeps two averages of each gradient. */
  readonly optimizer?: OptimizerName | undefined;
  /** The first block that learns; by default all do. It means something in the mode finetune only. */
  readonly unfreeze?: string | undefined;
  /** Epochs in which only the last layer learns, before the others join; default 0. */
  readonly freezeEpochs?: number | undefined;
  /** Batches that make one update of the weights together; default 1. Between them the gradients stay. */
  readonly accumulate?: number | undefined;
  /** The largest norm of the gradients; default 0: none. */
  readonly gradClip?: number | undefined;
  /** The loss of train steps; plain cross entropy by default. */
  readonly criterion?: Criterion | undefined;
  /** Whether the pictures of each training batch are mixed. Off by default. */
  readonly mixes?: boolean | undefined;
  /** Pictures per phase. They may be fewer than a batch, or leave a smaller last batch. */
  readonly pictures: Readonly<Record<Phase, number>>;
  /** The network; default a resnet18. */
  readonly start?: Pick<Start, 'architecture' | 'net' | 'loadsLastLayer'> | undefined;
  /** Whether the weights are stored in f16 after loading. Then nothing can be trained. Off by default. */
  readonly half?: boolean | undefined;
}

/**
 * Device memory of a run, bytes. The first six are the maximum of each kind of tensor. These maxima come at different
 * moments: activations shrink while gradients grow, and gradients reuse the memory of activations.
 */
export interface MemoryPlan {
  readonly parameters: number;
  /** Running statistics of the batch norms. */
  readonly statistics: number;
  readonly gradients: number;
  /** SGD's momentum, or the two averages of AdamW. */
  readonly momentum: number;
  /** The batch, and the tensors that forward keeps for backward. */
  readonly activations: number;
  /** Gradients of activations, weights packed for convolutions, partial sums. */
  readonly workspace: number;
  /** The maximum in use at once. */
  readonly peak: number;
  /** All buffers of the pool. They exceed the peak, because a larger buffer may answer a request. */
  readonly pool: number;
  /** For copying the best weights to the host; outside the pool. */
  readonly checkpoint: number;
  /** The run's total: pool and checkpoint. */
  readonly total: number;
  /** The largest single buffer; adapters limit it. */
  readonly largestBuffer: number;
}

/** Finds the fastest measured kernels on an adapter for the work of a run. The shipped tables cover the rest. */
export type FindTuned = (traits: AdapterTraits, question: MemoryQuestion) => Promise<TunedChoices>;

/** Results of a rehearsal. */
export interface Rehearsal {
  /** Each kernel of the run once, in the order of its first use. */
  readonly programs: readonly Program[];
  readonly memory: MemoryPlan;
  /** The kernel variants that the run uses, as `Chooser.choices` returns them. */
  readonly choices: Record<string, string>;
  /**
   * The work that they were chosen for, and how often the rehearsal did each: two epochs of one or two steps per phase, and
   * two more if layers are thawed.
   */
  readonly works: readonly { readonly work: Work; readonly uses: number }[];
}

type Category = 'parameters' | 'statistics' | 'gradients' | 'momentum' | 'activations' | 'workspace';

/** For the masks of a network that is only rehearsed. */
const NOTHING_RANDOM: RandomSource = { fillUniform() {}, fillNormal() {}, skip() {}, u32: () => 0 };

/**
 * Finds the memory and kernel choices of a run on an adapter with these traits. Takes a fraction of a second and no
 * device.
 * @param settings of the chooser that the run will use
 * @throws ShapeError if the pictures or batches are too small for the network; OutOfMemoryError if a batch is larger than
 *   any buffer of WebGPU can be
 */
export function rehearse(traits: AdapterTraits, question: MemoryQuestion, settings?: ChooserSettings): Rehearsal {
  const { classes, mode, imageSize, batchSize, momentum, pictures, start, half, criterion, mixes } = question;
  const { optimizer: kind = 'sgd', unfreeze, freezeEpochs = 0, accumulate = 1, gradClip = 0 } = question;
  const chooser = new Chooser(settings);
  const gpu = openDryGpu(traits, chooser);
  const programs = new Map<string, Program>();
  gpu.onDispatch = ({ program }) => programs.set(program.key, program);
  const ledger = new Ledger<Category>(gpu.pool, 'workspace');
  const model = buildModel(
    gpu,
    { ...fromScratch(), ...start },
    { classes, mode, random: NOTHING_RANDOM, draws: false },
  );
  if (half) model.half();
  // This includes the replaced last layer, and f32 weights that f16 ones replaced.
  ledger.putFresh('workspace');
  let checkpoint = 0;
  for (const entry of model.stateDict().values()) {
    if (!('storage' in entry)) continue;
    checkpoint += entry.storage.bytes;
    ledger.put(entry.buffer.id, 'statistics');
  }
  for (const parameter of model.parameters()) ledger.put(parameter.buffer.id, 'parameters');

  const from = mode === 'finetune' ? unfreeze : model.headName;
  if (!half) learnFrom(model, from);
  // Neither rates nor weight decay take memory.
  const rates = { lr: 1, lrBackbone: 1, weightDecay: 0 };
  const optimizer = half ? undefined : makeOptimizer(model, { ...rates, optimizer: kind, momentum });
  const largestBatch = Math.min(batchSize, Math.max(pictures.train, pictures.val));
  const blank = new Float32Array(checkBatch(largestBatch * 3 * imageSize ** 2));
  const batch = (size: number): HostBatch => ({
    images: blank.subarray(0, size * 3 * imageSize ** 2),
    labels: new Int32Array(size),
    size,
  });

  const mark: StepMarks = (part) => {
    ledger.putFresh(part === 'forward' ? 'activations' : part === 'update' ? 'momentum' : 'workspace');
    if (part === 'backward')
      for (const { grad } of model.parameters()) if (grad) ledger.put(grad.buffer.id, 'gradients');
  };
  // Two epochs in the order of a real one, because the free buffers depend on it. The first step allocates the
  // momentum, so only later steps have everything that a step can have at once. After the second epoch no step needs
  // new buffers. Thawed layers begin anew.
  const epochs = ['train', 'val', 'train', 'val'] as const;
  const stages = optimizer && freezeEpochs > 0 ? [model.headName, from] : [from];
  for (const stage of stages) {
    if (optimizer) learnFrom(model, stage);
    for (const phase of epochs) {
      model.train(phase === 'train' && !half);
      for (const { size, ...place } of rehearsedSteps(pictures[phase], batchSize, phase === 'train' ? accumulate : 1)) {
        if (phase === 'val' || !optimizer) valStep(gpu, model, batch(size));
        else {
          try {
            const mixed = mixes ? { ...batch(size), mix: 0.5 } : batch(size);
            const options = { place: { share: 1, ...place }, gradClip, mark, ...(criterion && { criterion }) };
            trainStep(gpu, model, optimizer, mixed, options);
          } catch (error) {
            throw size < batchSize && error instanceof ShapeError ? lastBatchError(pictures.train, size, error) : error;
          }
        }
        // Buffers that outlive their step were no activations: they hold weights packed for convolutions, kept for the
        // next step.
        ledger.moveOpen('activations', 'workspace');
        ledger.putFresh('workspace');
      }
    }
  }

  const works = chooser.works.map((work) => ({ work, uses: chooser.usesOf(work) }));
  // Finally the run restores the best weights and predicts pictures. So data derived from weights is computed again.
  for (const parameter of model.parameters()) parameter.storage.markChanged();
  if (pictures.val > 0) valStep(gpu, model, batch(Math.min(batchSize, pictures.val)));
  ledger.putFresh('workspace');

  const { each, together } = ledger.highest();
  const most = (category: Category) => each.get(category) ?? 0;
  const memory: MemoryPlan = {
    parameters: most('parameters'),
    statistics: most('statistics'),
    gradients: most('gradients'),
    momentum: most('momentum'),
    activations: most('activations'),
    workspace: most('workspace'),
    peak: together,
    pool: gpu.pool.allocatedBytes,
    checkpoint,
    total: gpu.pool.allocatedBytes + checkpoint,
    largestBuffer: ledger.largest(),
  };
  return { memory, choices: chooser.choices, works, programs: [...programs.values()] };
}

function lastBatchError(pictures: number, size: number, cause: ShapeError): ShapeError {
  const error = new ShapeError(
    `the last batch of ${pictures} training pictures has ${size}: add or remove a picture, or choose another batch size ` +
      `(--batch-size) or larger images (--image-size). ${cause.message}`,
  );
  error.cause = cause;
  return error;
}

/** Device memory of a run. @throws ShapeError if the pictures or batches are too small for the network */
export function planMemory(traits: AdapterTraits, question: MemoryQuestion): MemoryPlan {
  return rehearse(traits, question).memory;
}

/** Dawn has no larger buffer on any adapter, bytes. */
const LARGEST_BUFFER = 2 ** 32;

/** @param length numbers of a batch */
function checkBatch(length: number): number {
  const bytes = 4 * length;
  if (bytes <= LARGEST_BUFFER) return length;
  throw new OutOfMemoryError(
    `a batch takes ${formatBytes(bytes)}, but no buffer of WebGPU can be larger than ${formatBytes(LARGEST_BUFFER)}`,
  );
}

interface RehearsedStep {
  readonly size: number;
  readonly updates: boolean;
}

/**
 * The batches of an epoch: two full ones stand for all full ones, and the last may be smaller. A group of several batches
 * has two here: the second finds the gradients of the first, as every later one does.
 */
function rehearsedSteps(pictures: number, batchSize: number, accumulate: number): RehearsedStep[] {
  const full = Array<number>(Math.min(2, Math.floor(pictures / batchSize))).fill(batchSize);
  const last = pictures % batchSize > 0 ? [pictures % batchSize] : [];
  if (accumulate === 1) return [...full, ...last].map((size) => ({ size, updates: true }));
  const group = (sizes: readonly number[]) => sizes.map((size, i) => ({ size, updates: i === sizes.length - 1 }));
  return [...group(full), ...(last.length > 0 ? group([...full.slice(0, 1), ...last]) : [])];
}

/**
 * Checks before a run that the adapter allows buffers that are large enough.
 * @throws OutOfMemoryError if the run's largest buffer exceeds the adapter's limit
 */
export function checkLimits(memory: MemoryPlan, gpu: Gpu): void {
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  if (memory.largestBuffer <= limit) return;
  throw new OutOfMemoryError(
    `this run's largest tensor takes ${formatBytes(memory.largestBuffer)}, but no buffer of this adapter can be larger ` +
      `than ${formatBytes(limit)}`,
  );
}

/** "512.0 MiB" */
export function formatBytes(bytes: number): string {
  if (bytes < 2 ** 20) return `${(bytes / 2 ** 10).toFixed(1)} KiB`;
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

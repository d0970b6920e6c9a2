/** A table of trained vectors. */
import { embedding, paddingRow } from '../autograd/ops/embedding.ts';
import { checkNames, wholeNumber } from '../autograd/options.ts';
import type { Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { checkInit, INIT_OPTIONS, type Init, normalTable } from './init.ts';
import { Module } from './module.ts';

/** Options of an Embedding, and the source of its weights. */
export type EmbeddingModuleOptions = Init & {
  /** A row that starts as zeros and is not trained; a negative one counts from the end. None by default. */
  readonly paddingIdx?: number | undefined;
};

const OPTIONS = { paddingIdx: true, ...INIT_OPTIONS } as const;

/** Indices (u32, any shape) to vectors [..., embeddingDim]. The weights start from N(0, 1). */
export class Embedding extends Module<[index: Tensor<'u32'>]> {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | undefined;
  /** [numEmbeddings, embeddingDim] */
  readonly weight: Tensor;

  /** @throws OptionError */
  constructor(gpu: Gpu, numEmbeddings: number, embeddingDim: number, options: EmbeddingModuleOptions) {
    super();
    checkNames('Embedding', options, OPTIONS);
    checkInit('Embedding', options);
    this.numEmbeddings = wholeNumber('Embedding', 'numEmbeddings', numEmbeddings, 1);
    this.embeddingDim = wholeNumber('Embedding', 'embeddingDim', embeddingDim, 1);
    this.paddingIdx = paddingRow('Embedding', options.paddingIdx, numEmbeddings);
    const table = normalTable(gpu, numEmbeddings, embeddingDim, this.paddingIdx, options);
    this.weight = this.registerParameter('weight', table);
  }

  override forward(index: Tensor<'u32'>): Tensor {
    return embedding(index, this.weight, { paddingIdx: this.paddingIdx });
  }
}

/** Rehearses a probe: its kernels, and the memory of the pass and of the last layer. */
import type { AdapterTraits, Program } from '../../gpu/gpu.ts';
import { Chooser, type ChooserSettings } from '../../kernels/chooser.ts';
import { netOfStart } from '../../models/start.ts';
import { type Phase, TUTORIAL_ARCHITECTURE } from '../../models/types.ts';
import { Ledger, type MemoryQuestion, openDryGpu, type Rehearsal, rehearse } from '../../plan/index.ts';
import { Head } from './head.ts';

/** Rows of features per phase. */
type Rows = Readonly<Record<Phase, number>>;

/**
 * The plan of both parts. The second needs no more of the network, but its buffers stay in the pool: the total is the
 * sum.
 * @param question of the pass: no train pictures, and val pictures of a batch
 */
export function rehearseProbe(
  traits: AdapterTraits,
  question: MemoryQuestion,
  rows: Rows,
  settings?: ChooserSettings,
): Rehearsal {
  const pass = rehearse(traits, question, settings);
  const layer = rehearseHead(traits, question, rows, settings);
  const { memory } = pass;
  return {
    programs: [...new Map([...pass.programs, ...layer.programs].map((program) => [program.key, program])).values()],
    works: [...pass.works, ...layer.works],
    choices: { ...pass.choices, ...layer.choices },
    memory: {
      ...memory,
      activations: Math.max(memory.activations, layer.bytes),
      peak: Math.max(memory.peak, memory.parameters + memory.statistics + layer.bytes),
      pool: memory.pool + layer.bytes,
      total: memory.total + layer.bytes,
      largestBuffer: Math.max(memory.largestBuffer, layer.largestBuffer),
    },
  };
}

function rehearseHead(
  traits: AdapterTraits,
  { classes, criterion, start }: MemoryQuestion,
  rows: Rows,
  settings?: ChooserSettings,
) {
  const width = netOfStart(start ?? { architecture: TUTORIAL_ARCHITECTURE }).featureSize;
  const chooser = new Chooser(settings);
  const gpu = openDryGpu(traits, chooser);
  const programs = new Map<string, Program>();
  gpu.onDispatch = ({ program }) => programs.set(program.key, program);
  const ledger = new Ledger<'all'>(gpu.pool, 'all');
  const blank = (count: number) => ({ features: new Float32Array(count * width), labels: new Uint32Array(count) });
  const initial = { weight: new Float32Array(classes * width), bias: new Float32Array(classes) };
  const sgd = { lr: 1, momentum: 1, weightDecay: 1, criterion };
  const layer = new Head(gpu, { width, train: blank(rows.train), val: blank(rows.val), initial, ...sgd });
  layer.epoch();
  layer.epoch();
  const works = chooser.works.map((work) => ({ work, uses: chooser.usesOf(work) }));
  return {
    works,
    programs: [...programs.values()],
    choices: chooser.choices,
    bytes: gpu.pool.allocatedBytes,
    largestBuffer: ledger.largest(),
  };
}

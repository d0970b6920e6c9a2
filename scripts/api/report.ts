/**
 * The API reports, `docs/api/ENTRY.api.md`: every name that an entry of the package exports, with its signature. A
 * change of the API then shows in the diff. Each signature is in one report only; the others name that report.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as elementwise from '../../src/autograd/ops/elementwise.ts';

/** The package's entries. Each follows the entries whose names it repeats. */
export const ENTRIES = [
  { file: 'engine', name: 'dawngrad/engine' },
  { file: 'engine-node', name: 'dawngrad/engine, under Node' },
  { file: 'data', name: 'dawngrad/data' },
  { file: 'weights', name: 'dawngrad/weights' },
  { file: 'train', name: 'dawngrad/train' },
  { file: 'predict', name: 'dawngrad/predict' },
  { file: 'onnx', name: 'dawngrad/onnx' },
  { file: 'index', name: 'dawngrad' },
] as const;

export type Entry = (typeof ENTRIES)[number]['file'];

/** Names of the root that came after the entries were drawn. */
const LATER = {
  resuming: 'ResumeOptions loadTraining resumeTraining saveTraining',
  optimizers: 'Adam AdamW CosineAnnealingLR LambdaLR LinearWarmup MultiStepLR OneCycleLR Optimizer clipGradNorm',
  layers: 'AvgPool2d Dropout Embedding GroupNorm LayerNorm',
  ops:
    'adaptiveAvgPool2d argmax argmin avgPool2d bceWithLogits checkLabels concat dropout embedding expand flip groupNorm ' +
    'indexSelect layerNorm logSoftmax logsumexp matmul max mean min mse narrow nllLoss pad permute reshape softmax ' +
    'squeeze stack sum transpose unsqueeze',
  training: 'Augment ClassWeights SearchPoint SearchResult TensorBoardReporter findLearningRate joinReporters',
  exporting:
    'Attributes ExportOptions ExportedOp GraphBuilder GraphValue OnnxExportError OpExporter attribute exportOnnx writePth',
  networks:
    'Bottleneck Classifier StochasticDepth classifier resnet50 resnet101 resnet152 resnext50_32x4d resnext101_32x8d ' +
    'resnext101_64x4d stochasticDepth wide_resnet50_2 wide_resnet101_2',
  inputs: 'INTERPOLATIONS InputSpec Interpolation torchvisionInput trainTransform valTransform withCrop',
  importing: 'ImportOptions importOnnx',
  judging: 'Judgement gradCam judge judgeFolder openLabelled readJudgement',
};
/** Each row of the table is an op: adding one changes nothing else. Two were there from the start. */
const rows = Object.keys(elementwise).length - ['add', 'relu'].length;
const later = Object.values(LATER).flatMap((names) => names.split(' '));

/** The most names that the root may have, types included: 80 when the entries were drawn, and later ones. */
export const MOST_NAMES = 80 + later.length + rows;

/** The declaration of an export, or of a type that the signatures of an entry reach. */
export interface Declaration {
  readonly name: string;
  readonly exported: boolean;
  readonly text: string;
}

const EXPORTED = '## Exported';
const REACHED = '## Not exported, but reached through these signatures';

/** The text of every report, from the declarations of every entry. */
export function writeReports(declarations: Readonly<Record<Entry, readonly Declaration[]>>): Map<Entry, string> {
  /** The report that already has a signature. */
  const places = new Map<string, Entry>();
  return new Map(
    ENTRIES.map(({ file, name }) => {
      const sorted = [...declarations[file]].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
      const exported = sorted.filter((one) => one.exported);
      const reached = sorted.filter((one) => !one.exported);
      const parts = [
        `# ${name}`,
        `${exported.length} names of \`src/${file}.ts\`. \`npm run api\` writes this file; do not edit it.`,
        ...section(EXPORTED, exported, places),
        ...(reached.length > 0 ? section(REACHED, reached, places) : []),
      ];
      for (const one of sorted) {
        // An exported declaration also serves as a reached one, but not the reverse.
        for (const key of [keyOf(one), one.text.replace(/^export /gm, '')]) {
          if (!places.has(key)) places.set(key, file);
        }
      }
      return [file, `${parts.join('\n\n')}\n`];
    }),
  );
}

/** Exported declarations have `export` in their text, so the text tells them from reached ones. */
const keyOf = ({ text }: Declaration) => text;

function section(title: string, declarations: readonly Declaration[], places: ReadonlyMap<string, Entry>): string[] {
  const here = declarations.filter((one) => !places.has(keyOf(one)));
  const elsewhere = declarations.filter((one) => places.has(keyOf(one)));
  return [
    title,
    ...(here.length > 0 ? [`\`\`\`ts\n${here.map(({ text }) => text).join('\n\n')}\n\`\`\``] : []),
    ...(elsewhere.length > 0
      ? [
          elsewhere
            .map((one) => {
              const report = `${places.get(keyOf(one))}.api.md`;
              return `- \`${one.name}\`: [${report}](${report})`;
            })
            .join('\n'),
        ]
      : []),
  ];
}

/** The exported names in a report, sorted. @throws Error if the report has no section of them */
export function namesOf(report: string): string[] {
  const start = report.indexOf(`\n${EXPORTED}\n`);
  if (start < 0) throw new Error(`The API report has no section "${EXPORTED}". Run \`npm run api\`.`);
  const end = report.indexOf(`\n${REACHED}\n`);
  const text = report.slice(start, end < 0 ? undefined : end);
  const declared = text.matchAll(
    /^export (?:declare )?(?:abstract )?(?:async )?(?:class|const|enum|function|interface|let|namespace|type) ([\w$]+)/gm,
  );
  const listed = text.matchAll(/^- `([\w$]+)`: /gm);
  return [...new Set([...declared, ...listed].map(([, name]) => name!))].sort();
}

export const reportPath = (root: string, entry: Entry) => join(root, 'docs', 'api', `${entry}.api.md`);

/** The committed report; empty if there is none. */
export function readReport(root: string, entry: Entry): string {
  try {
    return readFileSync(reportPath(root, entry), 'utf8');
  } catch {
    return '';
  }
}

/** A message about the first line in which a committed report differs from the code; undefined if none does. */
export function firstDifference(entry: Entry, committed: string, current: string): string | undefined {
  if (committed === current) return undefined;
  const [old, now] = [committed.split('\n'), current.split('\n')];
  const i = now.findIndex((line, at) => line !== old[at]);
  const at = i < 0 ? now.length : i;
  const quote = (line: string | undefined) => (line === undefined ? 'nothing' : `"${line}"`);
  return `docs/api/${entry}.api.md:${at + 1}: the report has ${quote(old[at])}, the code gives ${quote(now[at])}`;
}

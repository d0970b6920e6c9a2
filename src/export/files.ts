/** Writes a network in the format of another program. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { FileError } from '../errors.ts';
import { type AdapterPreference, openGpu } from '../gpu/dawn.ts';
import { buildModel } from '../models/start.ts';
import { ONNX } from '../models/types.ts';
import { StateDictError } from '../nn/index.ts';
import { exportOnnx } from '../onnx/export/export.ts';
import { writeFileAtomic, writePth, writeSafetensors } from '../weights/index.ts';
import { type Exportable, entriesOf } from './exportable.ts';
import { factsOf, graphOf, metadataOf } from './facts.ts';

/** A file that was written. */
export interface Written {
  readonly path: string;
  readonly bytes: number;
}

/** What every format takes. */
export interface FileOptions {
  readonly out: string;
  /** Whether floats are stored in f16. */
  readonly half: boolean;
  /** Whether files of these names may be replaced. */
  readonly overwrite: boolean;
}

/** What ONNX takes beside. */
export interface OnnxOptions extends FileOptions {
  readonly foldBatchNorm: boolean;
  /** The type of pixels that the file takes; by default it takes them normalised. */
  readonly preprocess: 'u8' | 'f32' | undefined;
  /** Whether the file also gives probabilities. */
  readonly probabilities: boolean;
  readonly adapter: AdapterPreference | undefined;
}

/** The name of the file beside a .pth. */
export const factsFile = (out: string) => `${out}.json`;

/**
 * A .pth that torchvision's module loads strictly, and its facts beside it as JSON.
 * @throws FileError if a file is there and may not be replaced, or cannot be written; as `entriesOf`
 */
export function exportTorch(exportable: Exportable, { out, half, overwrite }: FileOptions): Written[] {
  if (exportable.architecture === ONNX) {
    throw new FileError(
      `${exportable.weights}: is the network of an ONNX file, which no module of torchvision is. Export it as onnx or safetensors.`,
    );
  }
  const beside = factsFile(out);
  checkFree([out, beside], overwrite);
  const bytes = writePth(out, { tensors: entriesOf(exportable, half) });
  const facts = Buffer.from(`${JSON.stringify(factsOf(exportable, basename(out)), null, 2)}\n`);
  return [
    { path: out, bytes },
    { path: beside, bytes: writeFileAtomic(beside, [facts]) },
  ];
}

/** The entries under torchvision's names, and the facts as metadata. @throws as `exportTorch` */
export function exportSafetensors(exportable: Exportable, { out, half, overwrite }: FileOptions): Written[] {
  checkFree([out], overwrite);
  const tensors = entriesOf(exportable, half);
  // Readers such as transformers look here for the library whose names and layouts the file uses.
  const bytes = writeSafetensors(out, {
    tensors,
    metadata: { ...metadataOf(exportable), ...graphOf(exportable), format: 'pt' },
  });
  return [{ path: out, bytes }];
}

/**
 * An ONNX file with the facts as metadata. The network runs on a device while it is recorded.
 * @throws FileError as `exportTorch`; OnnxExportError, errors of the device
 */
export async function exportOnnxFile(exportable: Exportable, options: OnnxOptions): Promise<Written[]> {
  const { out, half, overwrite, foldBatchNorm, preprocess: type, probabilities, adapter } = options;
  checkFree([out], overwrite);
  const { weights, checkpoint, net, architecture, classes, input } = exportable;
  const { crop, mean, std } = input;
  const gpu = await openGpu({ ...(adapter && { adapter }) });
  try {
    const start = { architecture, net, checkpoint, loadsLastLayer: true, description: weights };
    const model = buildModel(gpu, start, { classes: classes.length, mode: 'extract' });
    const file = await exportOnnx(model, {
      ...{ inputShape: [3, crop, crop], inputName: 'images', outputName: 'scores' },
      ...{ half, foldBatchNorm, probabilities, ...(type && { preprocess: { type, mean, std } }) },
      metadata: {
        ...metadataOf(exportable),
        pixels: `${type ? '0 to 255' : 'normalised'}, RGB, resized and cropped before`,
      },
    });
    return [{ path: out, bytes: writeFileAtomic(out, [file]) }];
  } catch (error) {
    if (!(error instanceof StateDictError)) throw error;
    throw new FileError(`${weights}: ${error.message}`, { cause: error });
  } finally {
    gpu.close();
  }
}

function checkFree(paths: readonly string[], overwrite: boolean): void {
  const taken = overwrite ? undefined : paths.find((path) => existsSync(path));
  if (taken === undefined) return;
  throw new FileError(`${taken}: exists already, so nothing was written. Name another file, or give --overwrite.`);
}

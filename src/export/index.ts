/** A trained network as files of other programs. Other folders import from this file. */
export { type Exportable, entriesOf, readExportable } from './exportable.ts';
export { type Facts, metadataOf } from './facts.ts';
export {
  exportOnnxFile,
  exportSafetensors,
  exportTorch,
  type FileOptions,
  factsFile,
  type OnnxOptions,
  type Written,
} from './files.ts';

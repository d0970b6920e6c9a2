/**
 * `dawngrad/onnx`: writes networks as ONNX files, and reads them.
 *
 * @module dawngrad/onnx
 */
export { type Attributes, attribute, type GraphBuilder, type GraphValue } from './onnx/export/builder.ts';
export { OnnxExportError } from './onnx/export/errors.ts';
export { type ExportOptions, exportOnnx } from './onnx/export/export.ts';
export type { ExportedOp, OpExporter } from './onnx/export/exported-op.ts';
export { type ImportOptions, importOnnx } from './onnx/import.ts';

import { DawngradError } from '../../errors.ts';

/** A model cannot be written as ONNX: the message names the op, and says what to do. */
export class OnnxExportError extends DawngradError {
  override name = 'OnnxExportError';
}

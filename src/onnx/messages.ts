/** The packages that know ONNX's messages, loaded when a file is first read or written. */

import { loadOptional } from '../optional.ts';

/** Protocol buffers, and ONNX's messages in them. */
export interface Messages {
  readonly protobuf: typeof import('@bufbuild/protobuf');
  readonly wire: typeof import('@bufbuild/protobuf/wire');
  readonly onnx: typeof import('onnx-buf');
}

/**
 * @param purpose the subject of the message, such as `Reading ONNX files`
 * @throws MissingPackageError if they are not installed
 */
export async function loadMessages(purpose: string): Promise<Messages> {
  const protobuf = await loadOptional('@bufbuild/protobuf', purpose, () => import('@bufbuild/protobuf'));
  const wire = await loadOptional('@bufbuild/protobuf', purpose, () => import('@bufbuild/protobuf/wire'));
  const onnx = await loadOptional('onnx-buf', purpose, () => import('onnx-buf'));
  return { protobuf, wire, onnx };
}

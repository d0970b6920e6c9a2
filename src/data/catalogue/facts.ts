/** What a decoder thread tells about a picture that it decoded, as bytes in the job's answer. */
import { createHash } from 'node:crypto';
import { PICTURE_FORMATS, type PictureFormat } from '../formats.ts';
import type { Picture } from '../transforms.ts';
import { cellsOf, SIGNATURE_BYTES, type Signature, signatureOf } from './signature.ts';

/** A picture that could be decoded. */
export interface PictureFacts {
  /** As it is used, pixels. */
  readonly width: number;
  readonly height: number;
  readonly format: PictureFormat;
  /** Whether it is stored turned or mirrored. */
  readonly isTurned: boolean;
  /** Of the file. */
  readonly sha256: string;
  readonly signature: Signature;
}

const HASH_AT = 16;
const HASH_BYTES = 32;
const CELLS_AT = HASH_AT + HASH_BYTES;

/** Length of the answer: floats, as a job's answer consists of them. */
export const FACT_FLOATS = Math.ceil((CELLS_AT + SIGNATURE_BYTES) / 4);

/** Writes the facts of a decoded picture over `out`. */
export function writeFacts(
  picture: Picture,
  {
    bytes,
    format,
    isTurned,
  }: { readonly bytes: Uint8Array; readonly format: PictureFormat; readonly isTurned: boolean },
  out: Float32Array,
): void {
  new Int32Array(out.buffer, out.byteOffset, 4).set([
    ...[picture.width, picture.height],
    ...[PICTURE_FORMATS.indexOf(format), Number(isTurned)],
  ]);
  const answer = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
  answer.set(createHash('sha256').update(bytes).digest(), HASH_AT);
  cellsOf(picture, answer.subarray(CELLS_AT, CELLS_AT + SIGNATURE_BYTES));
}

/** The facts in an answer. */
export function readFacts(out: Float32Array<ArrayBuffer>): PictureFacts {
  const [width, height, format, turned] = new Int32Array(out.buffer, out.byteOffset, 4);
  const answer = Buffer.from(out.buffer, out.byteOffset, out.byteLength);
  return {
    width: width!,
    height: height!,
    format: PICTURE_FORMATS[format!]!,
    isTurned: turned === 1,
    sha256: answer.toString('hex', HASH_AT, HASH_AT + HASH_BYTES),
    signature: signatureOf(new Uint8Array(answer.subarray(CELLS_AT, CELLS_AT + SIGNATURE_BYTES))),
  };
}

/** Detects a file's format by its first bytes. Names are unreliable: `.bin`, `.pt`, `.model` can each be any format. */

import type { InputFile } from './file.ts';

export type CheckpointFormat = 'zip' | 'stream' | 'tar' | 'safetensors' | 'unknown';

/** Reaches to the end of tar's magic, which is at byte 257. */
const HEAD_BYTES = 263;

export function detectFormat(file: InputFile): CheckpointFormat {
  const head = file.read(0, Math.min(file.size, HEAD_BYTES), 'the first bytes');
  const startsWith = (at: number, text: string) =>
    Buffer.from(head.subarray(at, at + text.length)).equals(Buffer.from(text, 'latin1'));
  if (startsWith(0, 'PK\x03\x04') || startsWith(0, 'PK\x05\x06')) return 'zip';
  // A header length below 2^32 and a JSON object.
  if (startsWith(4, '\0\0\0\0{')) return 'safetensors';
  // PROTO and a protocol number: torch's old stream or another pickle; the reader tells them apart.
  if (head.length >= 2 && head[0] === 0x80 && head[1]! <= 5) return 'stream';
  if (startsWith(257, 'ustar')) return 'tar';
  return 'unknown';
}

/** @throws FileError that says what the file may be instead of a checkpoint */
export function failUnknownFormat(file: InputFile): never {
  if (file.size === 0) file.fail('the file is empty; download or save it again');
  const head = Buffer.from(file.read(0, Math.min(file.size, 64), 'the first bytes'));
  const text = head.toString('latin1').trimStart().toLowerCase();
  if (text.startsWith('<')) file.fail('this is a web page, not a checkpoint: the download failed; fetch it again');
  if (text.startsWith('version https://git-lfs')) {
    file.fail('this is a Git LFS pointer, not the checkpoint itself; fetch it with "git lfs pull"');
  }
  if (head[0] === 0x1f && head[1] === 0x8b) file.fail('this is gzip-compressed; unpack it first ("gzip -d")');
  file.fail(
    'not a checkpoint: expected a PyTorch .pth or a .safetensors file, found the first bytes ' +
      `${head.subarray(0, 8).toString('hex')}; give the path of a checkpoint`,
  );
}

/** @throws FileError: the tar format of torch before 0.2 */
export function failTarFormat(file: InputFile): never {
  file.fail(
    'this is the tar format of PyTorch 0.1, which is not supported; save it again from Python in the current format: ' +
      'torch.save(torch.load("old.pth"), "new.pth")',
  );
}

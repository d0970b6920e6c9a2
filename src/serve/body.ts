/** Reads the pictures of a request: a body that is one, or a form with several. */
import type { NamedBytes } from '../predict/index.ts';
import { printable } from '../printable.ts';

/** A request that is refused: what the client is told. */
export class Refused extends Error {
  override name = 'Refused';
  readonly status: 400 | 403 | 404 | 405 | 408 | 413 | 415 | 421 | 429 | 500 | 503;
  /** Seconds after which another try makes sense. */
  readonly retryAfter: number | undefined;

  constructor(status: Refused['status'], message: string, retryAfter?: number) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The pictures of a request. A form is answered with a list, a picture by itself with its ranking. */
export interface Given {
  readonly pictures: readonly NamedBytes[];
  readonly isForm: boolean;
}

export interface BodyLimits {
  readonly maxBytes: number;
  readonly maxFiles: number;
}

const FORM = /^multipart\/form-data\s*(;|$)/i;
const BOUNDARY = /;\s*boundary\s*=\s*[^\s;]/i;
const PICTURE = /^(image\/[\w.+-]+|application\/octet-stream)\s*(;|$)/i;

const EMPTY = 'The body is empty: expected a picture, or a form with some.';

/** Bytes beyond the limit that are read and thrown away. A client that is still sending would not see an answer. */
const DISCARDED = 64 * 2 ** 20;

/** @throws Refused */
export async function readPictures(request: Request, { maxBytes, maxFiles }: BodyLimits): Promise<Given> {
  const type = request.headers.get('content-type') ?? '';
  const isForm = FORM.test(type);
  if (!isForm && !PICTURE.test(type)) {
    const size = await discard(request, DISCARDED);
    if (size === 0 && type === '') throw new Refused(400, EMPTY);
    throw new Refused(
      415,
      `Content-Type: expected image/*, application/octet-stream or multipart/form-data, found ${printable(type) || 'none'}.`,
    );
  }
  const bytes = await readBody(request, maxBytes);
  if (bytes.length === 0) throw new Refused(400, EMPTY);
  if (isForm && !BOUNDARY.test(type)) {
    throw new Refused(400, 'Content-Type: expected multipart/form-data with its boundary, found none.');
  }
  if (!isForm) return { pictures: [{ name: 'picture', bytes }], isForm };
  return { pictures: await picturesOf(bytes, type, maxFiles), isForm };
}

async function readBody(request: Request, most: number): Promise<Buffer<ArrayBuffer>> {
  const declared = Number(request.headers.get('content-length') ?? 0);
  const tooLarge = (bytes: string) =>
    new Refused(413, `The body has ${bytes} bytes; expected at most ${most}. Send a smaller picture.`);
  if (declared > most + DISCARDED) throw tooLarge(`${declared}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunksOf(request)) {
    size += chunk.byteLength;
    if (size <= most) chunks.push(chunk);
    else chunks.length = 0;
    if (size > most + DISCARDED) break;
  }
  if (size > most) throw tooLarge(declared > most ? `${declared}` : `more than ${most}`);
  return Buffer.concat(chunks) as Buffer<ArrayBuffer>;
}

/** @returns bytes read */
async function discard(request: Request, most: number): Promise<number> {
  let size = 0;
  for await (const chunk of chunksOf(request)) {
    size += chunk.byteLength;
    if (size > most) break;
  }
  return size;
}

/** The parts of a body. Unlike the stream's own iterator it leaves the stream alone when the loop ends early. */
async function* chunksOf({ body }: Request): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (cause) {
    throw new Refused(400, `The body ended before its end (${(cause as Error).message}).`);
  }
}

async function picturesOf(bytes: Buffer<ArrayBuffer>, type: string, maxFiles: number): Promise<NamedBytes[]> {
  let form: FormData;
  try {
    form = await new Response(bytes, { headers: { 'content-type': type } }).formData();
  } catch {
    throw new Refused(400, 'The form cannot be read: expected multipart/form-data with its boundary.');
  }
  const files = [...form.values()].filter((value) => typeof value !== 'string');
  // What a browser sends for a form whose file field was left empty.
  const given = files.filter(({ name, size }) => name !== '' || size > 0);
  if (given.length === 0) throw new Refused(400, 'The form has no file: expected one or more pictures.');
  if (given.length > maxFiles) {
    throw new Refused(413, `The form has ${given.length} files; expected at most ${maxFiles}. Send them in parts.`);
  }
  return given.map((file, i) => ({ name: printable(file.name) || `picture ${i + 1}`, bytes: file }));
}

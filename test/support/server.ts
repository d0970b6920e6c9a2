/** A server on loopback with prepared answers, and folders as zips, for tests and for verify. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Zippable, zipSync } from 'fflate';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

export interface TestServer {
  /** Has no slash at its end. */
  readonly origin: string;
  /** Answers by path. Other paths get status 404. */
  readonly answers: Map<string, Answer>;
  /** Paths requested so far. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** Starts a server on a free port. */
export async function startServer(): Promise<TestServer> {
  const answers = new Map<string, Answer>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const answer = answers.get(path);
    if (answer) answer(response, request);
    else response.writeHead(404).end('nothing here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { origin: `http://127.0.0.1:${port}`, answers, asked, close };
}

/** Answers with the whole body and its length. */
export const whole =
  (body: Uint8Array): Answer =>
  (response) => {
    response.writeHead(200, { 'content-length': body.byteLength }).end(body);
  };

/** Announces the whole length, sends half of the body, and breaks off. */
export const halfway =
  (body: Uint8Array): Answer =>
  (response) => {
    response.writeHead(200, { 'content-length': body.byteLength });
    response.write(body.subarray(0, body.byteLength >> 1), () => response.destroy());
  };

/** Announces the whole length, sends half of the body, and then nothing. */
export const stalling =
  (body: Uint8Array): Answer =>
  (response) => {
    response.writeHead(200, { 'content-length': body.byteLength });
    response.write(body.subarray(0, body.byteLength >> 1));
  };

/** Zips a folder with `prefix` before the names of its entries. `more` adds entries. */
export function zipFolder(folder: string, prefix: string, more: Zippable = {}): Uint8Array {
  const files = filesBelow(folder).map((path) => [`${prefix}${path}`, readFileSync(join(folder, path))] as const);
  return zipSync({ ...Object.fromEntries(files), ...more }, { level: 0 });
}

/** Paths of all files below a folder, sorted, with "/". */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .map((path) => path.slice(folder.length + 1).replaceAll('\\', '/'))
    .sort();
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

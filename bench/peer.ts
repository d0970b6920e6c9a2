/** Another framework in its own process that times steps on demand: PyTorch (pytorch.py) or TensorFlow.js (peers/). */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findTorchPython, NO_TORCH } from '../scripts/find-python.ts';
import { DawngradError } from '../src/errors.ts';
import type { AdapterPreference } from '../src/gpu/dawn.ts';
import { type Architecture, TUTORIAL_ARCHITECTURE } from '../src/models/types.ts';
import type { Work } from './steps.ts';

export const PEERS = ['pytorch', 'tfjs'] as const;
export type PeerName = (typeof PEERS)[number];

/** The peer is not installed; the message tells how to install it. */
export class MissingPeerError extends DawngradError {
  override name = 'MissingPeerError';
}

export interface PeerOptions {
  readonly batchSize: number;
  readonly imageSize: number;
  /** A .pth file, for PyTorch only. Random weights by default. */
  readonly weights?: string | undefined;
  /** torchvision's name of the network, for PyTorch only; ResNet-18 by default. */
  readonly architecture?: Architecture | undefined;
  /** Adapter that TensorFlow.js requests. */
  readonly adapter?: AdapterPreference | undefined;
  /** The command of a Python with torch; by default one is searched for. */
  readonly python?: string | undefined;
}

/** The first line that a peer prints. */
interface Greeting {
  /** For example "PyTorch 1.13.0". */
  readonly name?: string;
  readonly threads?: number;
  /** Description of the adapter. */
  readonly adapter?: string;
  readonly missing?: string;
}

const ADVICE: Readonly<Record<PeerName, string>> = {
  pytorch: NO_TORCH,
  tfjs: 'TensorFlow.js is not installed: run `npm ci` in bench/peers',
};

export class Peer {
  readonly kind: PeerName;
  readonly name: string;
  /** The number of threads, if the peer reports it. */
  readonly threads: number | undefined;
  /** The adapter, if the peer reports it. */
  readonly adapter: string | undefined;
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(kind: PeerName, process: ChildProcess, lines: AsyncIterator<string>, greeting: Greeting) {
    this.kind = kind;
    this.name = greeting.name ?? kind;
    this.threads = greeting.threads;
    this.adapter = greeting.adapter;
    this.#process = process;
    this.#lines = lines;
  }

  /** @throws MissingPeerError if it is not installed */
  static async start(kind: PeerName, options: PeerOptions): Promise<Peer> {
    const [command, args] = kind === 'pytorch' ? pytorchCommand(options) : tfjsCommand(options);
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    // When the process ends early, its output ends too, and reading the output reports it.
    child.on('error', () => {});
    child.stdin.on('error', () => {});
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done) throw new DawngradError(`${command} ${args.join(' ')} ended at once; its message is above.`);
    const greeting = readGreeting(first.value);
    if (!greeting) {
      child.kill();
      throw new DawngradError(`${command} ${args.join(' ')} should introduce itself in JSON, but says: ${first.value}`);
    }
    if (greeting.missing !== undefined) throw new MissingPeerError(`${ADVICE[kind]} (${greeting.missing}).`);
    return new Peer(kind, child, lines, greeting);
  }

  /** @returns milliseconds per step */
  async time(work: Work, count: number): Promise<number> {
    this.#process.stdin!.write(`${work} ${count}\n`);
    const { value, done } = await this.#lines.next();
    const ms = Number(value);
    if (done || !(ms > 0)) throw new DawngradError(`${this.name} did not time ${work}; its message is above.`);
    return ms;
  }

  end(): void {
    this.#process.stdin!.end();
    this.#process.kill();
  }
}

function readGreeting(line: string): Greeting | undefined {
  try {
    return JSON.parse(line) as Greeting;
  } catch {
    return undefined;
  }
}

function pytorchCommand(options: PeerOptions): [string, string[]] {
  const { batchSize, imageSize, weights, python, architecture = TUTORIAL_ARCHITECTURE } = options;
  const command = python ?? findTorchPython();
  if (command === undefined) throw new MissingPeerError(`${ADVICE.pytorch}.`);
  const script = fileURLToPath(new URL('pytorch.py', import.meta.url));
  const numbers = [batchSize, imageSize, availableParallelism()].map(String);
  return [command, [script, ...numbers, weights ?? 'none', architecture]];
}

function tfjsCommand({ batchSize, imageSize, adapter }: PeerOptions): [string, string[]] {
  const script = fileURLToPath(new URL('peers/tfjs.mjs', import.meta.url));
  const packages = fileURLToPath(new URL('peers/node_modules/@tensorflow/tfjs-backend-webgpu', import.meta.url));
  if (!existsSync(packages)) throw new MissingPeerError(`${ADVICE.tfjs}.`);
  return [process.execPath, [script, `${batchSize}`, `${imageSize}`, adapter ?? 'high-performance']];
}

/** PyTorch's side of the random programs: one Python process for all of them. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Program } from './program.ts';
import { valuesOf } from './values.ts';

/** A tensor that PyTorch reports. */
export interface TorchTensor {
  readonly shape: readonly number[];
  /** Values in float64. */
  readonly values: Float64Array;
  /** The largest error of PyTorch's float32, over several runs that were rounded in different ways. */
  readonly most: number;
  /** The largest root mean square of these errors. */
  readonly rms: number;
}

export interface TorchAnswer {
  /** Values that rounding could carry across a kink. If there are any, do not compare. */
  readonly near: readonly string[];
  /** Keyed by the names that programs report; null for a missing gradient. */
  readonly tensors: ReadonlyMap<string, TorchTensor | null>;
}

interface Reply {
  readonly id: number;
  readonly error?: string;
  readonly near: string[];
  readonly tensors: Record<string, { shape: number[]; values: string; most: number; rms: number } | null>;
}

interface Waiting {
  readonly resolve: (answer: TorchAnswer) => void;
  readonly reject: (error: Error) => void;
}

const SCRIPT = fileURLToPath(new URL('torch_programs.py', import.meta.url));

/** The Python process. Close it, or Node does not exit. */
export class TorchPrograms {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #stderr = '';

  /** @param python a Python that imports torch */
  constructor(python: string) {
    this.#process = spawn(python, [SCRIPT], { stdio: 'pipe' });
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4000);
    });
    createInterface({ input: this.#process.stdout }).on('line', (line) => this.#receive(JSON.parse(line) as Reply));
    this.#process.on('error', (error) => this.#fail(error));
    this.#process.on('close', (status) => this.#fail(new Error(`Python ended with status ${status}: ${this.#stderr}`)));
    this.#process.stdin.on('error', () => {}); // 'close' says why
  }

  /** Runs a program. Several may be pending, and are answered in order. */
  ask(program: Program): Promise<TorchAnswer> {
    const id = this.#next++;
    const values: Record<string, { u32: boolean; data: string }> = {};
    for (const [name, data] of valuesOf(program)) {
      values[name] = { u32: data instanceof Uint32Array, data: Buffer.from(data.buffer).toString('base64') };
    }
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.stdin.write(`${JSON.stringify({ id, program, values })}\n`);
    });
  }

  close(): void {
    this.#process.stdin.end();
  }

  #receive({ id, error, near, tensors }: Reply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error !== undefined) {
      waiting?.reject(new Error(`PyTorch could not run the program:\n${error}`));
      return;
    }
    const decoded = Object.entries(tensors).map(([name, tensor]) => {
      if (!tensor) return [name, null] as const;
      const bytes = Uint8Array.from(Buffer.from(tensor.values, 'base64'));
      return [name, { ...tensor, values: new Float64Array(bytes.buffer) }] as const;
    });
    waiting?.resolve({ near, tensors: new Map(decoded) });
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** PyTorch's reading of the files that dawngrad read: one Python process for all. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Kept } from './child.ts';

const SCRIPT = fileURLToPath(new URL('torch_reads.py', import.meta.url));

export interface Comparison {
  /** Files that PyTorch read too, without a warning. */
  readonly compared: number;
  readonly wrong: readonly (readonly [path: string, reason: string])[];
}

/** Close it, or Node does not exit. */
export class TorchReads {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: { resolve: (answer: Comparison) => void; reject: (error: Error) => void }[] = [];
  #stderr = '';

  /** @param python a Python that has torch */
  constructor(python: string) {
    this.#child = spawn(python, [SCRIPT]);
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-4000);
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#waiting.shift()?.resolve(JSON.parse(line) as Comparison);
    });
    this.#child.on('close', (code) => {
      const error = new Error(`PyTorch's process ended with ${code}: ${this.#stderr}`);
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
    // Reported by close.
    this.#child.stdin.on('error', () => {});
  }

  compare(kept: readonly Kept[]): Promise<Comparison> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin.write(`${JSON.stringify(kept.map(({ path, tensors }) => [path, tensors]))}\n`);
    });
  }

  close(): void {
    this.#child.stdin.end();
  }
}

/** `npm run serve -- --weights runs/x`: answers HTTP with a trained network. */
import type { FindTuned } from '../plan/index.ts';
import { DEFAULT_BATCH_SIZE, openPredictor, type Predictor } from '../predict/index.ts';
import { listed, printableLines } from '../printable.ts';
import { serve } from '../serve/index.ts';
import { tunedChoices } from '../tune/index.ts';
import { EXIT } from './exit-status.ts';
import { interruptible } from './interrupt.ts';
import { type Io, perform, runProgram } from './program.ts';
import { HELP, parseServeFlags, type ServeCommand } from './serve-flags.ts';

/**
 * @param argv arguments after the script's name
 * @returns exit status: 0 if a signal ended it, else see `exit-status.ts`
 */
export function main(argv: readonly string[], io: Io = process): Promise<number> {
  return perform({ name: 'serve', help: HELP, parse: parseServeFlags, run }, argv, io);
}

function run(command: ServeCommand, io: Io): Promise<number> {
  const stopping = { stderr: io.stderr, stopBar: () => {}, when: () => ' once the requests at hand are answered' };
  return interruptible(stopping, (signal) => serveUntil(command, io, signal));
}

async function serveUntil(command: ServeCommand, { stdout, stderr, env }: Io, signal: AbortSignal): Promise<number> {
  const { weights, head, numbers, half, adapter, tunes, limits, host } = command;
  const note = (text: string) => stderr.write(`${printableLines(text)}\n`);
  const batchSize = numbers.batchSize ?? DEFAULT_BATCH_SIZE;
  const tuned: FindTuned = (traits, question) => tunedChoices(traits, question, { env, onNote: note });
  const settings = { ...numbers, head, batchSize, half, adapter, startThreads: true, ...(tunes && { tuned }) };
  const predictor = await openPredictor(weights, settings);
  try {
    describe(predictor, note);
    const serving = await serve(predictor, batchSize, { ...limits, host, onProblem: (text) => note(`serve: ${text}`) });
    stdout.write(`Serving on ${serving.address}${reach(serving.address)}\n`);
    try {
      await Promise.race([serving.failed, aborted(signal)]);
    } finally {
      await serving.close();
    }
    return EXIT.done;
  } finally {
    await predictor.close();
  }
}

function describe({ adapter, weights, architecture, classes }: Predictor, note: (text: string) => void): void {
  note(`Device: ${adapter.description} (${adapter.kind === 'cpu' ? 'software' : 'hardware'})`);
  note(`Weights: ${weights} (${architecture}), ${classes.length} classes: ${listed(classes, 10)}`);
}

/** Who can reach the server. */
function reach(address: string): string {
  const isLocal = /^http:\/\/(127\.|\[::1\])/.test(address);
  return isLocal
    ? ' (only from this machine; --host chooses another address). Ctrl-C ends it.'
    : '. Whoever reaches this address can use it: there is no password and no TLS. Ctrl-C ends it.';
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

await runProgram(import.meta.url, 'serve', main);

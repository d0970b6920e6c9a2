/** The lines that the tutorial prints, letter for letter. */
import type { PhaseMetrics } from './types.ts';

/** `Epoch 0/24` and ten dashes. */
export function epochLines(epoch: number, epochs: number): string {
  return `Epoch ${epoch}/${epochs - 1}\n----------\n`;
}

/** `train Loss: 0.6243 Acc: 0.6107` */
export function phaseLine({ phase, loss, acc }: Pick<PhaseMetrics, 'phase' | 'loss' | 'acc'>): string {
  return `${phase} Loss: ${fixed(loss, 4)} Acc: ${fixed(acc, 4)}\n`;
}

/** `Training complete in 17m 3s` and the best validation accuracy. */
export function endLines(seconds: number, bestValAcc: number): string {
  const duration = `${Math.floor(seconds / 60)}m ${fixed(seconds % 60, 0)}s`;
  return `Training complete in ${duration}\nBest val Acc: ${fixed(bestValAcc, 6)}\n`;
}

/** More decimals than any double of a relevant size has. */
const EXACT_DIGITS = 60;

/** Formats as Python does: a tie goes to the even digit, where `toFixed` rounds up. */
export function fixed(value: number, digits: number): string {
  const exact = value.toFixed(digits + EXACT_DIGITS);
  const cut = exact.length - EXACT_DIGITS;
  const isTie = /^50*$/.test(exact.slice(cut));
  const before = exact.slice(0, digits === 0 ? cut - 1 : cut);
  return isTie && Number(before.at(-1)) % 2 === 0 ? before : value.toFixed(digits);
}

/** `judgement.json` on disk. */
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { FileError } from '../errors.ts';
import type { Judgement } from './types.ts';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1 + 1e-6));
const rates = { precision: share, recall: share, f1: share };
const likely = v.object({ name: v.string(), probability: share });

const SCHEMA = v.object({
  version: v.literal(1),
  ...{ data: v.string(), split: v.string(), weights: v.string(), epoch: v.nullable(count) },
  ...{ count, right: count, accuracy: share, interval: v.tuple([share, share]), balancedAccuracy: share },
  ...{ loss: v.pipe(v.number(), v.minValue(0)), ece: share },
  calibration: v.array(v.object({ from: share, to: share, count, confidence: share, accuracy: share })),
  topK: v.array(v.object({ k: count, accuracy: share })),
  averages: v.object({ micro: v.object(rates), macro: v.object(rates), weighted: v.object(rates) }),
  classes: v.array(v.object({ name: v.string(), count, right: count, answered: count, ...rates })),
  confusion: v.array(v.array(count)),
  answers: v.array(
    v.object({
      ...{ path: v.string(), truth: v.string(), answer: v.string(), right: v.boolean(), probability: share },
      ...{ loss: v.pipe(v.number(), v.minValue(0)), top: v.array(likely) },
    }),
  ),
});

/** `eval` replaces no file. */
const REMEDY = 'Remove it; `eval --out <another folder>` then writes one that can take its place.';

/**
 * Reads a judgement.json. Unknown keys are left out.
 * @throws FileError if it cannot be read, or is none
 */
export function readJudgement(path: string): Judgement {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new FileError(`${path}: the judgement cannot be read (${reason}). Check the path and its rights.`, { cause });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw damaged(path, (cause as Error).message);
  }
  const { success, output, issues } = v.safeParse(SCHEMA, json);
  if (!success) throw damaged(path, `${v.getDotPath(issues[0]) ?? 'the whole'}: ${issues[0].message}`);
  const { classes, confusion } = output;
  if (confusion.length !== classes.length || confusion.some((row) => row.length !== classes.length)) {
    throw damaged(path, `confusion: expected ${classes.length} rows and columns, one per class`);
  }
  return output;
}

/** The JSON of a judgement as files have it: a line for each key, and for each class, bin, row and answer. */
export function judgementJson(judgement: Judgement): string {
  const lines = Object.entries(judgement).map(([key, value]) => `  ${JSON.stringify(key)}: ${valueText(value)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

function valueText(value: unknown): string {
  if (!Array.isArray(value) || typeof value[0] !== 'object') return JSON.stringify(value);
  return `[\n${value.map((item) => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]`;
}

function damaged(path: string, what: string): FileError {
  return new FileError(`${path}: is no judgement of version 1 (${what}). ${REMEDY}`);
}

/** A judgement in words, for a terminal: sentences without line ends, and a table. */
import { listed, printable } from '../printable.ts';
import { reachOf } from './interval.ts';
import type { ClassScores, Judgement, Scores } from './types.ts';

/** A longer interval than ± this says little. */
const WIDEST_REACH = 0.1;
/** Classes in words, and names of what they are taken for. */
const MOST_WORST = 3;
const MOST_TAKEN = 3;
/** Classes in a warning. */
const MOST_NAMED = 10;
/** Rows of the table. */
const MOST_ROWS = 20;
/** A longer name shifts only its own row. */
const WIDEST_NAME = 30;

type Judged = Pick<Scores, 'classes' | 'confusion'>;

/**
 * All that a terminal gets after a run and from `eval`: accuracy, a table of the classes, the worst in words, warnings.
 * Ends with a line feed.
 * @param what was judged, where the name of the split does not say enough
 */
export function judgementWords(judgement: Omit<Judgement, 'answers'>, what = judgement.split): string {
  const { split, epoch, balancedAccuracy, ece } = judgement;
  const whose = epoch === null ? '' : ` (weights of epoch ${epoch})`;
  const worst = worstClasses(judgement);
  return [
    `Judged on ${what}${whose}: ${accuracyText(judgement)}`,
    `Balanced accuracy: ${percent(balancedAccuracy)} %. Calibration error (ECE): ${percent(ece)} points.`,
    classTable(judgement).trimEnd(),
    ...worst.map((line, i) => `${i === 0 ? 'Worst:' : '      '} ${line}`),
    ...warningsOf(judgement, split),
    '',
  ].join('\n');
}

/** `13 of 16 right, 81.3 % (95 % interval: 57.0 to 93.4 %)` */
export function accuracyText(scores: Pick<Scores, 'right' | 'count' | 'accuracy' | 'interval'>): string {
  const { right, count, accuracy, interval } = scores;
  const [low, high] = interval;
  return `${right} of ${count} right, ${percent(accuracy)} % (95 % interval: ${percent(low)} to ${percent(high)} %)`;
}

/** The classes that fail most, worst first: `beetle: 0 of 2 right, taken for bee`. None if every answer is right. */
export function worstClasses(judged: Judged, most = MOST_WORST): string[] {
  return byRecall(judged)
    .filter(({ right, count }) => right < count)
    .slice(0, most)
    .map((one) => `${printable(one.name)}: ${one.right} of ${one.count} right, taken for ${takenFor(judged, one)}`);
}

/** What a reader must know before trusting the figures, a sentence each: blind spots, and too few pictures. */
export function warningsOf(judged: Omit<Scores, 'answers'>, split: string): string[] {
  const { classes, count, interval } = judged;
  const blind = classes.filter((one) => one.count > 0 && one.right === 0);
  const absent = classes.filter((one) => one.count === 0);
  const warnings: string[] = [];
  if (blind.length > 0) warnings.push(`Not one picture was recognised of: ${some(blind)}.`);
  if (absent.length > 0) warnings.push(`Not judged, as ${split} has no picture of them: ${some(absent)}.`);
  const reach = reachOf(interval);
  if (count > 0 && reach > WIDEST_REACH) {
    warnings.push(
      `${count} ${count === 1 ? 'picture is' : 'pictures are'} too few to tell how good it is: the accuracy is uncertain by ` +
        `± ${percent(reach)} points. Judge more pictures.`,
    );
  }
  return warnings;
}

/** Names of some classes, and how many more. */
function some(classes: readonly ClassScores[]): string {
  return listed(
    classes.map(({ name }) => name),
    MOST_NAMED,
  );
}

/** The table of classes, a line each, with the worst classes if there are many. Ends with a line feed. */
export function classTable(judged: Judged): string {
  const { classes } = judged;
  const shown = classes.length > MOST_ROWS ? byRecall(judged).slice(0, MOST_ROWS) : classes;
  const names = shown.map(({ name }) => printable(name));
  const width = Math.min(WIDEST_NAME, Math.max('class'.length, ...names.map(columns)));
  const rows = shown.map((one, i) => {
    const rates = [one.recall, one.precision, one.f1].map((rate) => rate.toFixed(3));
    return [names[i]!, `${one.right} of ${one.count}`, ...rates];
  });
  const head = ['class', 'right', 'recall', 'precision', 'F1'];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = ([name, ...cells]: readonly string[]) =>
    [pad(name!, width), ...cells.map((cell, i) => cell.padStart(widths[i + 1]!))].join('  ');
  const more = classes.length - shown.length;
  const rest = more > 0 ? [`and ${more} more classes, which do better`] : [];
  return `${[line(head), ...rows.map(line), ...rest].join('\n')}\n`;
}

/** `bee (3), ant (1)`: the wrong answers for pictures of a class, the most frequent first; a single one has no count. */
function takenFor({ classes, confusion }: Judged, one: ClassScores): string {
  const label = classes.indexOf(one);
  const wrong = confusion[label]!.map((count, answer) => ({ count, answer }))
    .filter(({ count, answer }) => count > 0 && answer !== label)
    .sort((a, b) => b.count - a.count || a.answer - b.answer);
  const shown = wrong.slice(0, MOST_TAKEN).map(({ count, answer }) => {
    const name = printable(classes[answer]!.name);
    return wrong.length > 1 ? `${name} (${count})` : name;
  });
  const more = wrong.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more classes` : '');
}

/** The classes with pictures, worst first; among equals those with more wrong pictures. */
function byRecall({ classes }: Judged): ClassScores[] {
  return classes
    .filter(({ count }) => count > 0)
    .sort((a, b) => a.recall - b.recall || b.count - b.right - (a.count - a.right));
}

/** One decimal: 0.8125 is `81.3`. */
function percent(share: number): string {
  return (share * 100).toFixed(1);
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columns(text)));
}

/** Columns of a terminal: letters of East Asia and emoji take two. */
function columns(text: string): number {
  let width = 0;
  for (const character of text) width += WIDE.test(character) ? 2 : 1;
  return width;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

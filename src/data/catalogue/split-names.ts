/** The names under which people keep the parts of a data set. */

/** The parts: to learn from, to judge each epoch by, to judge the end by. */
export const SPLIT_NAMES = ['train', 'val', 'test'] as const;
export type SplitName = (typeof SPLIT_NAMES)[number];

const ALSO: Readonly<Record<string, SplitName>> = {
  training: 'train',
  valid: 'val',
  validation: 'val',
  testing: 'test',
};

/** The part that a folder or a cell of a list names, in any case; undefined if none. */
export function splitNamed(name: string): SplitName | undefined {
  const lower = name.toLowerCase();
  return SPLIT_NAMES.find((one) => one === lower) ?? (Object.hasOwn(ALSO, lower) ? ALSO[lower] : undefined);
}

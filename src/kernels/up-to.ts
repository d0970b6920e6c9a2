/** The least multiple that is at least a count. */
export const upTo = (multiple: number, count: number) => Math.ceil(count / multiple) * multiple;

/** Rounds a count up to a multiple. */
export const upTo = (multiple: number, count: number) => Math.ceil(count / multiple) * multiple;

/** What an optimizer or a schedule saves beside tensors: plain values under names, as JSON can hold them. */
import { OptionError } from '../autograd/errors.ts';

/** A plain value, or lists and objects of such values. */
export type SavedValue = number | boolean | string | readonly SavedValue[] | { readonly [name: string]: SavedValue };

/** `type` names the class that it is for. */
export type SavedValues = Readonly<Record<string, SavedValue>> & { readonly type: string };

/** @throws OptionError if the state is of another class */
export function expectType(type: string, state: SavedValues): void {
  if (state.type === type) return;
  const found = state.type === undefined ? 'another value' : `that of ${state.type}`;
  throw new OptionError(`${type}: expected the state of ${type}, got ${found}. Build what was saved.`);
}

/** Returns a saved count. @throws OptionError unless it is a whole number of at least 0 */
export function savedCount(owner: string, state: object, name: string): number {
  const value: unknown = (state as Record<string, unknown>)[name];
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new OptionError(`${owner}: the saved state must have a count ${name}, got ${value}.`);
}

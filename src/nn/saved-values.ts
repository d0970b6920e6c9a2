/** What an optimizer or a schedule saves beside tensors: plain values under names, as JSON can hold them. */
import { OptionError } from '../autograd/errors.ts';

/** `type` names the class that it is for. */
export type SavedValues = Readonly<Record<string, number | boolean | string>> & { readonly type: string };

/** @throws OptionError if the state is of another class */
export function expectType(type: string, state: SavedValues): void {
  if (state.type === type) return;
  const found = state.type === undefined ? 'another value' : `that of ${state.type}`;
  throw new OptionError(`${type}: expected the state of ${type}, got ${found}. Build what was saved.`);
}

/** @throws OptionError if the state is of another class, or has no number of this name */
export function savedNumber(type: string, state: SavedValues, name: string): number {
  expectType(type, state);
  const value = state[name];
  if (typeof value === 'number') return value;
  throw new OptionError(`${type}: the saved state must have a number ${name}, got ${value}.`);
}

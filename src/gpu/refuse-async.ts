/** For functions that hold only while another function runs, which ends for an asynchronous one at its first `await`. */

/**
 * Returns `value`: the function before it is called, or its result.
 * @throws TypeError if that is an async function or a promise
 */
export function refuseAsync<T>(name: string, value: T): T {
  if (typeof value === 'function') {
    if (value.constructor.name !== 'AsyncFunction') return value;
  } else if (typeof (value as { then?: unknown } | null | undefined)?.then !== 'function') return value;
  // Its failure would otherwise be an unhandled rejection beside this error.
  if (value instanceof Promise) value.catch(() => {});
  throw new TypeError(
    `${name}() takes a synchronous function: what an async one computes after its first await would be outside. Await ` +
      `before or after, and call ${name}() around each synchronous part.`,
  );
}

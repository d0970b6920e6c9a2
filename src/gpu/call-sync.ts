/**
 * Guards functions whose effect lasts only while another function runs. For an async function it would end at its first
 * `await`.
 */

/** Functions whose body, or the rest of it, runs after the call. */
const LATER = ['AsyncFunction', 'GeneratorFunction', 'AsyncGeneratorFunction'];

/**
 * Calls `fn` and returns its result.
 * @throws TypeError before the call if `fn` is an async or generator function, after it if the result is a promise
 */
export function callSync<T>(name: string, fn: () => T): T {
  if (LATER.includes(fn.constructor.name)) throw refusal(name);
  const result = fn();
  if (typeof (result as { then?: unknown } | null | undefined)?.then !== 'function') return result;
  // Its failure would otherwise be an unhandled rejection beside this error.
  if (result instanceof Promise) result.catch(() => {});
  throw refusal(name);
}

function refusal(name: string): TypeError {
  return new TypeError(
    `${name}() takes a synchronous function, got an asynchronous one or a generator, which would go on outside it after ` +
      `the first await. Await before or after, and call ${name}() around each synchronous part.`,
  );
}

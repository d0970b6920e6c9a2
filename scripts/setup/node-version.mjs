// @ts-check
/** Checks the version of Node: sharp and vitest need 20.9 or later. An older one would fail with a syntax error. */

const NEEDED = { major: 20, minor: 9 };

/**
 * @param {string} version process.versions.node
 * @returns {string | undefined} the problem, or undefined if there is none
 */
export function nodeProblem(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > NEEDED.major || (major === NEEDED.major && minor >= NEEDED.minor)) return undefined;
  return `Node ${NEEDED.major}.${NEEDED.minor} or newer is needed, but this is Node ${version}. Install a newer Node and run this again.`;
}

// @ts-check
/** Is this Node new enough? sharp and vitest want 20.9 or later; an older one would fail with a syntax error instead. */

const NEEDED = { major: 20, minor: 9 };

/**
 * @param {string} version process.versions.node
 * @returns {string | undefined} what is wrong
 */
export function nodeProblem(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > NEEDED.major || (major === NEEDED.major && minor >= NEEDED.minor)) return undefined;
  return `Node ${NEEDED.major}.${NEEDED.minor} or newer is needed, this is Node ${version}. Install a newer Node and run this again.`;
}

// @ts-check
/**
 * Identifies the system: reads the text of /etc/os-release and returns one of the families that the driver plan
 * (plan.mjs) distinguishes. Pure: the caller reads the file.
 */

/**
 * @typedef {object} System
 * @property {'debian' | 'ubuntu' | 'fedora' | 'arch' | 'alpine' | 'linux' | 'macos' | 'windows' | 'other'} family
 * @property {string} name its usual name, for messages
 * @property {string} codename Debian's or Ubuntu's release name ('bookworm', 'jammy'); '' if there is none
 */

/**
 * The KEY=value lines of os-release(5), quotes removed.
 * @param {string} text
 * @returns {Record<string, string>}
 */
export function parseOsRelease(text) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const line of text.split('\n')) {
    const match = /^\s*([A-Z][A-Z0-9_]*)=(.*?)\s*$/.exec(line);
    if (!match) continue;
    const [, key = '', raw = ''] = match;
    const quoted = /^(["'])(.*)\1$/.exec(raw);
    fields[key] = (quoted?.[2] ?? raw).replace(/\\(["'$`\\])/g, '$1');
  }
  return fields;
}

/**
 * @param {string} platform Node's process.platform
 * @param {string} osReleaseText '' if the file is missing
 * @returns {System}
 */
export function identifySystem(platform, osReleaseText) {
  if (platform === 'darwin') return { family: 'macos', name: 'macOS', codename: '' };
  if (platform === 'win32') return { family: 'windows', name: 'Windows', codename: '' };
  if (platform !== 'linux') return { family: 'other', name: platform, codename: '' };

  const fields = parseOsRelease(osReleaseText);
  const ids = [fields.ID ?? '', ...(fields.ID_LIKE ?? '').split(/\s+/)].filter(Boolean);
  const name = fields.PRETTY_NAME ?? fields.NAME ?? 'this Linux';

  // A derivative names its parent's release in a field of its own (Mint: UBUNTU_CODENAME, LMDE: DEBIAN_CODENAME).
  if (ids.includes('ubuntu')) {
    return { family: 'ubuntu', name, codename: fields.UBUNTU_CODENAME ?? fields.VERSION_CODENAME ?? '' };
  }
  if (ids.includes('debian')) {
    const own = fields.ID === 'debian' ? fields.VERSION_CODENAME : undefined;
    return { family: 'debian', name, codename: fields.DEBIAN_CODENAME ?? own ?? '' };
  }
  if (ids.includes('fedora') || ids.includes('rhel')) return { family: 'fedora', name, codename: '' };
  if (ids.includes('arch')) return { family: 'arch', name, codename: '' };
  if (ids.includes('alpine')) return { family: 'alpine', name, codename: '' };
  return { family: 'linux', name, codename: '' };
}

// @ts-check
/**
 * Reads apt's lists of package sources, in both of their formats (sources.list(5)): one line per source (`*.list`) and
 * deb822 paragraphs (`*.sources`). It finds the mirror that this machine already takes Debian from, and writes an entry
 * for the release's backports on that mirror. This project therefore names no host. Pure: the caller reads and writes
 * the files.
 */

/**
 * @typedef {object} AptSource one address together with its suites
 * @property {'line' | 'deb822'} format
 * @property {string} uri
 * @property {string[]} suites
 * @property {string[]} components
 * @property {string} signedBy key ring (or embedded key) that the entry trusts, '' for apt's own set
 * @property {string[]} options to keep in a new entry: `key=value` (line) or whole fields (deb822)
 */

/**
 * @param {string} text of a one-line-style file
 * @returns {AptSource[]}
 */
export function parseSourcesList(text) {
  /** @type {AptSource[]} */
  const sources = [];
  for (const rawLine of text.split('\n')) {
    const line = rawLine.replace(/#.*/, '').trim();
    const match = /^deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)((?:\s+\S+)*)$/.exec(line);
    if (!match) continue;
    const [, optionText = '', uri = '', suite = '', componentText = ''] = match;
    if (uri.startsWith('cdrom:')) continue; // its label has blanks, so the words after it are not a suite
    const options = optionText.split(/\s+/).filter(Boolean);
    sources.push({
      format: 'line',
      uri,
      suites: [suite],
      components: componentText.split(/\s+/).filter(Boolean),
      signedBy: options.find((option) => option.startsWith('signed-by='))?.slice('signed-by='.length) ?? '',
      options,
    });
  }
  return sources;
}

/**
 * @param {string} text of a deb822-style file
 * @returns {AptSource[]}
 */
export function parseDeb822(text) {
  /** @type {AptSource[]} */
  const sources = [];
  // Comment lines may occur inside a field. They are removed first, so that only a blank line ends a paragraph.
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  for (const paragraph of lines.join('\n').split(/\n[ \t]*\n/)) {
    const fields = paragraphFields(paragraph);
    const words = (/** @type {string} */ name) => (fields.get(name)?.value ?? '').split(/\s+/).filter(Boolean);
    if (!words('types').includes('deb') || /^(no|false|0|off|disable)$/i.test(fields.get('enabled')?.value ?? '')) {
      continue;
    }
    const replaced = new Set(['types', 'uris', 'suites', 'components', 'enabled', 'x-repolib-name']);
    const options = [...fields].filter(([name]) => !replaced.has(name)).map(([, field]) => field.raw);
    for (const uri of words('uris')) {
      sources.push({
        format: 'deb822',
        uri,
        suites: words('suites'),
        components: words('components'),
        signedBy: fields.get('signed-by')?.value ?? '',
        options,
      });
    }
  }
  return sources;
}

/**
 * @param {string} paragraph
 * @returns {Map<string, { value: string, raw: string }>} by lower-case field name; raw keeps continuation lines
 */
function paragraphFields(paragraph) {
  /** @type {Map<string, { value: string, raw: string }>} */
  const fields = new Map();
  let current = '';
  for (const line of paragraph.split('\n')) {
    const start = /^([A-Za-z][A-Za-z0-9-]*):\s*(.*)$/.exec(line);
    if (start) {
      current = (start[1] ?? '').toLowerCase();
      fields.set(current, { value: (start[2] ?? '').trim(), raw: line.trimEnd() });
    } else if (/^[ \t]+\S/.test(line)) {
      const field = fields.get(current);
      if (!field) continue;
      field.value = `${field.value} ${line.trim()}`.trim();
      field.raw += `\n${line.trimEnd()}`;
    }
  }
  return fields;
}

/**
 * @param {{ path: string, text: string }[]} files apt's lists; apt too ignores files that end neither in .list nor in
 *   .sources
 * @returns {AptSource[]}
 */
export function parseAptFiles(files) {
  return files.flatMap(({ path, text }) => {
    if (path.endsWith('.sources')) return parseDeb822(text);
    if (path.endsWith('.list')) return parseSourcesList(text);
    return [];
  });
}

/**
 * @param {readonly AptSource[]} sources
 * @param {string} codename
 */
export function listsBackports(sources, codename) {
  return sources.some((source) => source.suites.includes(`${codename}-backports`));
}

/**
 * Finds the source that holds the release itself. Others may name the same suite (a vendor's `bookworm main`). Each
 * candidate is therefore weighed by the marks of Debian's archive: its key ring, an updates suite beside it, and its
 * path.
 * @param {readonly AptSource[]} sources
 * @param {string} codename
 * @returns {AptSource | undefined}
 */
export function findArchive(sources, codename) {
  const candidates = sources.filter((source) => source.suites.includes(codename) && source.components.includes('main'));
  const weight = (/** @type {AptSource} */ source) =>
    (source.signedBy.includes('debian-archive') ? 4 : 0) +
    (sources.some((other) => other.uri === source.uri && other.suites.includes(`${codename}-updates`)) ? 2 : 0) +
    (/\/debian(\/\d{8}T\d{6}Z)?\/?$/.test(source.uri) ? 1 : 0);
  const best = [...candidates].sort((a, b) => weight(b) - weight(a))[0];
  if (!best) return undefined;
  return weight(best) > 0 || candidates.length === 1 ? best : undefined;
}

/**
 * A file for /etc/apt/sources.list.d that adds the backports of the archive's own mirror, trusting the same keys.
 * @param {AptSource} archive
 * @param {string} codename
 * @returns {{ path: string, text: string }}
 */
export function backportsFile(archive, codename) {
  const base = '/etc/apt/sources.list.d/dawngrad-backports';
  const why = '# Added by dawngrad for a Mesa that WebGPU accepts. Delete this file to undo it.';
  if (archive.format === 'line') {
    const options = archive.options.length > 0 ? `[${archive.options.join(' ')}] ` : '';
    return { path: `${base}.list`, text: `${why}\ndeb ${options}${archive.uri} ${codename}-backports main\n` };
  }
  const fields = [
    'Types: deb',
    `URIs: ${archive.uri}`,
    `Suites: ${codename}-backports`,
    'Components: main',
    ...archive.options,
  ];
  return { path: `${base}.sources`, text: `${why}\n${fields.join('\n')}\n` };
}

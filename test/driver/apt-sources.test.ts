/** Reading apt's lists of sources, and the file that adds the backports. */
import { describe, expect, test } from 'vitest';
import {
  backportsFile,
  findArchive,
  listsBackports,
  parseAptFiles,
  parseDeb822,
  parseSourcesList,
} from '../../src/driver/apt-sources.mjs';

interface Listed {
  uri: string;
  suites: string[];
}

const ONE_LINE = `# the release
deb http://mirror.example/debian bookworm main contrib  # with a remark
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian bookworm-updates main
deb http://security.example/debian-security bookworm-security main
deb cdrom:[Debian GNU/Linux 12 _Bookworm_]/ bookworm main
# deb http://mirror.example/debian bookworm-backports main
deb [arch=amd64 signed-by=/etc/apt/keyrings/tools.gpg] https://tools.example/linux bookworm stable
`;

const DEB822 = `# snapshot of some day
Types: deb deb-src
URIs: http://mirror.example/debian
# http://mirror.example/snapshot
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`;

describe('one-line lists', () => {
  test('give binary sources only, with suite, components and options', () => {
    const sources = parseSourcesList(ONE_LINE);
    expect(sources.map(({ uri, suites }: Listed) => `${uri} ${suites.join()}`)).toEqual([
      'http://mirror.example/debian bookworm',
      'http://mirror.example/debian bookworm-updates',
      'http://security.example/debian-security bookworm-security',
      'https://tools.example/linux bookworm',
    ]);
    expect(sources[0]).toMatchObject({ format: 'line', components: ['main', 'contrib'], signedBy: '' });
    expect(sources[3]).toMatchObject({
      components: ['stable'],
      signedBy: '/etc/apt/keyrings/tools.gpg',
      options: ['arch=amd64', 'signed-by=/etc/apt/keyrings/tools.gpg'],
    });
  });

  test('lead to backports from the same mirror, as one line', () => {
    const archive = findArchive(parseSourcesList(ONE_LINE), 'bookworm');
    expect(archive?.uri).toBe('http://mirror.example/debian');
    const { path, text } = backportsFile(archive!, 'bookworm');
    expect(path).toBe('/etc/apt/sources.list.d/dawngrad-backports.list');
    expect(text.split('\n')[1]).toBe('deb http://mirror.example/debian bookworm-backports main');
  });

  test('keep their options', () => {
    const list = 'deb [ arch=amd64 signed-by=/k/debian.gpg ] https://mirror.example/debian/ bookworm main\n';
    const archive = findArchive(parseSourcesList(list), 'bookworm');
    expect(backportsFile(archive!, 'bookworm').text).toContain(
      'deb [arch=amd64 signed-by=/k/debian.gpg] https://mirror.example/debian/ bookworm-backports main',
    );
  });
});

describe('deb822 lists', () => {
  test('give one source per address; a comment inside a paragraph does not end it', () => {
    const sources = parseDeb822(DEB822);
    expect(sources).toHaveLength(2);
    expect(sources[0]).toMatchObject({
      format: 'deb822',
      uri: 'http://mirror.example/debian',
      suites: ['bookworm', 'bookworm-updates'],
      components: ['main'],
      signedBy: '/usr/share/keyrings/debian-archive-keyring.gpg',
    });
  });

  test('lead to backports from the same mirror, trusting the same keys', () => {
    const { path, text } = backportsFile(findArchive(parseDeb822(DEB822), 'bookworm')!, 'bookworm');
    expect(path).toBe('/etc/apt/sources.list.d/dawngrad-backports.sources');
    expect(text.split('\n').slice(1)).toEqual([
      'Types: deb',
      'URIs: http://mirror.example/debian',
      'Suites: bookworm-backports',
      'Components: main',
      'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
      '',
    ]);
    expect(listsBackports(parseDeb822(text), 'bookworm')).toBe(true);
  });

  test('may hold several addresses, an embedded key, folded suites, and blank lines with spaces', () => {
    const text = `Types: deb
URIs: mirror+file:/etc/apt/mirrors/debian.list http://second.example/debian
Suites:
 bookworm
 bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBGPL
 -----END PGP PUBLIC KEY BLOCK-----
  
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no
`;
    const sources = parseDeb822(text);
    expect(sources.map(({ uri }: Listed) => uri)).toEqual([
      'mirror+file:/etc/apt/mirrors/debian.list',
      'http://second.example/debian',
    ]);
    expect(sources[0]!.suites).toEqual(['bookworm', 'bookworm-updates']);
    expect(backportsFile(sources[0]!, 'bookworm').text).toContain(
      'Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBGPL\n -----END PGP PUBLIC KEY BLOCK-----\n',
    );
  });

  test('may have their fields in any order and names in any case', () => {
    const text = 'suites: bookworm\ncomponents: main\nURIS: http://mirror.example/debian\ntypes: deb\n';
    expect(findArchive(parseDeb822(text), 'bookworm')?.uri).toBe('http://mirror.example/debian');
  });
});

describe('the archive', () => {
  test("is not a vendor's repository that names the same suite and component", () => {
    const sources = parseAptFiles([
      { path: '/etc/apt/sources.list.d/a-vendor.list', text: 'deb https://vendor.example/apt bookworm main\n' },
      { path: '/etc/apt/sources.list.d/debian.sources', text: DEB822 },
    ]);
    expect(findArchive(sources, 'bookworm')?.uri).toBe('http://mirror.example/debian');
  });

  test('is found at an unusual path by the updates beside it', () => {
    const text = `deb https://vendor.example/apt bookworm main
deb https://proxy.example/repository/deb12 bookworm main
deb https://proxy.example/repository/deb12 bookworm-updates main
`;
    expect(findArchive(parseSourcesList(text), 'bookworm')?.uri).toBe('https://proxy.example/repository/deb12');
  });

  test('is neither guessed among unknown mirrors nor taken from updates or security', () => {
    const strangers = 'deb https://a.example/apt bookworm main\ndeb https://b.example/apt bookworm main\n';
    expect(findArchive(parseSourcesList(strangers), 'bookworm')).toBeUndefined();
    const others = 'deb http://m.example/debian bookworm-updates main\ndeb http://m.example/s bookworm-security main\n';
    expect(findArchive(parseSourcesList(others), 'bookworm')).toBeUndefined();
    expect(findArchive([], 'bookworm')).toBeUndefined();
  });
});

test("files that apt ignores are ignored, and a list's format follows from its name", () => {
  const line = 'deb http://mirror.example/debian bookworm-backports main\n';
  expect(listsBackports(parseAptFiles([{ path: 'x.list.disabled', text: line }]), 'bookworm')).toBe(false);
  expect(listsBackports(parseAptFiles([{ path: 'x.sources', text: line }]), 'bookworm')).toBe(false);
  expect(listsBackports(parseAptFiles([{ path: 'x.list', text: line }]), 'bookworm')).toBe(true);
});

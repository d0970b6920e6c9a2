/** Identifying a system by its os-release file and platform. */
import { expect, test } from 'vitest';
import { identifySystem, parseOsRelease } from '../../src/driver/os-release.mjs';
import { OS_RELEASE } from './systems.ts';

test('reads plain, single- and double-quoted values and skips the rest', () => {
  const text = '# a comment\nID=debian\nNAME="Debian \\"GNU\\""\nPRETTY_NAME=\'x y\'\n\nnot a field\n';
  expect(parseOsRelease(text)).toEqual({ ID: 'debian', NAME: 'Debian "GNU"', PRETTY_NAME: 'x y' });
});

test.each([
  ['debian11', 'debian', 'bullseye'],
  ['debian12', 'debian', 'bookworm'],
  ['debian13', 'debian', 'trixie'],
  ['debianSid', 'debian', 'forky'],
  ['ubuntu2204', 'ubuntu', 'jammy'],
  ['ubuntu2404', 'ubuntu', 'noble'],
  ['mint22', 'ubuntu', 'noble'],
  ['lmde6', 'debian', 'bookworm'],
  ['fedora40', 'fedora', ''],
  ['rocky9', 'fedora', ''],
  ['arch', 'arch', ''],
  ['alpine', 'alpine', ''],
  ['nixos', 'linux', ''],
] as const)('%s is of the family %s, release "%s"', (system, family, codename) => {
  expect(identifySystem('linux', OS_RELEASE[system])).toMatchObject({ family, codename });
});

test('the platform identifies a Linux without os-release, macOS, Windows and others', () => {
  expect(identifySystem('linux', '').family).toBe('linux');
  expect(identifySystem('darwin', '').family).toBe('macos');
  expect(identifySystem('win32', '').family).toBe('windows');
  expect(identifySystem('freebsd', '')).toMatchObject({ family: 'other', name: 'freebsd' });
});

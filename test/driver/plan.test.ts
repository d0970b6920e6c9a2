/** The driver plan for each system: an installation or advice. */
import { describe, expect, test } from 'vitest';
import { parseSourcesList } from '../../src/driver/apt-sources.mjs';
import { identifySystem } from '../../src/driver/os-release.mjs';
import { adviceLines, describePlan, planDriver } from '../../src/driver/plan.mjs';
import { OS_RELEASE } from './systems.ts';

const BOOKWORM = 'deb http://mirror.example/debian bookworm main\n';
const PACKAGES = 'mesa-vulkan-drivers libvulkan1';

/** The plan for a system, as root with apt-get unless `other` says otherwise. */
function plan(
  system: keyof typeof OS_RELEASE,
  list: string,
  other: { root?: boolean; aptGet?: boolean; driverVariable?: string } = {},
) {
  const facts = {
    system: identifySystem('linux', OS_RELEASE[system]),
    root: true,
    aptGet: true,
    driverVariable: undefined,
  };
  return planDriver({ ...facts, sources: parseSourcesList(list), ...other });
}

/** The text of an advice plan. */
function advice(result: ReturnType<typeof planDriver>): string {
  expect(result.kind).toBe('advise');
  return result.kind === 'advise' ? result.lines.join('\n') : '';
}

describe('Debian 12', () => {
  test("adds the backports of the machine's own mirror and installs Mesa from there", () => {
    const result = plan('debian12', BOOKWORM);
    expect(result).toMatchObject({
      kind: 'install',
      listFile: { path: '/etc/apt/sources.list.d/dawngrad-backports.list' },
      install: `install -y --no-install-recommends -t bookworm-backports ${PACKAGES}`.split(' '),
    });
    expect(describePlan(result).join('\n')).toContain('deb http://mirror.example/debian bookworm-backports main');
  });

  test('adds no source if backports are listed already', () => {
    const result = plan('debian12', `${BOOKWORM}deb http://mirror.example/debian bookworm-backports main\n`);
    expect(result).toMatchObject({ kind: 'install', listFile: undefined });
    expect(result).toHaveProperty('install', expect.arrayContaining(['-t', 'bookworm-backports']));
  });

  test('says what to do if no mirror is listed', () => {
    expect(advice(plan('debian12', ''))).toMatch(/Add the suite bookworm-backports .*\n.*apt-get install .*mesa/);
  });

  test('gives the commands to a user who is not root', () => {
    const lines = advice(plan('debian12', BOOKWORM, { root: false })).split('\n');
    expect(lines).toContain("sudo tee /etc/apt/sources.list.d/dawngrad-backports.list <<'END'");
    expect(lines).toContain('deb http://mirror.example/debian bookworm-backports main');
    expect(lines.at(-1)).toMatch(/^sudo apt-get update && sudo apt-get install .* -t bookworm-backports mesa/);
  });

  test('serves a derivative that names it (LMDE 6)', () => {
    expect(plan('lmde6', BOOKWORM)).toHaveProperty('install', expect.arrayContaining(['bookworm-backports']));
  });
});

test.each(['debian13', 'debianSid', 'ubuntu2204', 'ubuntu2404', 'mint22'] as const)('%s: a plain install', (system) => {
  const plain = `install -y --no-install-recommends ${PACKAGES}`.split(' ');
  expect(plan(system, '')).toMatchObject({ kind: 'install', listFile: undefined, install: plain });
  expect(advice(plan(system, '', { root: false }))).toContain(`sudo apt-get ${plain.join(' ')}`);
});

test.each(['debian11', 'ubuntu2004'] as const)('%s: says that nothing can be installed', (system) => {
  expect(advice(plan(system, ''))).toContain('Use Debian 12');
});

test('an installation as commands for the user to type', () => {
  const lines = adviceLines(identifySystem('linux', OS_RELEASE.debian12), plan('debian12', BOOKWORM));
  expect(lines).toEqual([
    "Debian GNU/Linux 12 (bookworm): Mesa's software Vulkan driver will do. Run:",
    "tee /etc/apt/sources.list.d/dawngrad-backports.list <<'END'",
    expect.stringMatching(/^# /),
    'deb http://mirror.example/debian bookworm-backports main',
    'END',
    `apt-get update && apt-get install -y --no-install-recommends -t bookworm-backports ${PACKAGES}`,
  ]);
});

test('advice stays as it is', () => {
  const result = plan('fedora40', '');
  expect(adviceLines(identifySystem('linux', OS_RELEASE.fedora40), result)).toHaveProperty(
    '1',
    expect.stringMatching(/^sudo dnf/),
  );
});

test('a variable that hides every driver is named, and nothing is installed', () => {
  const result = plan('debian13', '', { driverVariable: 'VK_DRIVER_FILES=/nowhere.json' });
  expect(advice(result)).toMatch(/^VK_DRIVER_FILES=\/nowhere.json makes .*\nUnset it/);
});

test('Debian without apt-get: install by hand', () => {
  expect(advice(plan('debian13', '', { aptGet: false }))).toContain('by hand');
});

test.each([
  ['fedora40', 'sudo dnf install mesa-vulkan-drivers'],
  ['rocky9', 'sudo dnf install mesa-vulkan-drivers'],
  ['arch', 'sudo pacman -S --needed vulkan-swrast'],
  ['alpine', 'musl'],
  ['nixos', 'NixOS 24.05'],
] as const)('%s: installs nothing, says %s', (system, text) => {
  expect(advice(plan(system, ''))).toContain(text);
});

test.each([
  ['darwin', 'Metal'],
  ['win32', 'Direct3D 12'],
  ['freebsd', 'Vulkan'],
])('%s: installs nothing, says %s', (platform, text) => {
  const result = planDriver({
    system: identifySystem(platform, ''),
    root: false,
    aptGet: false,
    sources: [],
    driverVariable: undefined,
  });
  expect(advice(result)).toContain(text);
  expect(describePlan(result)[0]).toBe('would stop and say:');
});

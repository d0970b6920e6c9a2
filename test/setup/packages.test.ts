/** Set-up checks the version of Node and whether the npm packages match package-lock.json. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeProblem } from '../../scripts/setup/node-version.mjs';
import { installPackages, lockDifference, lockKey, packagesProblem } from '../../scripts/setup/packages.mjs';

test('Node 20.9 is the oldest accepted version', () => {
  expect(nodeProblem('20.9.0')).toBeUndefined();
  expect(nodeProblem('22.0.0')).toBeUndefined();
  expect(nodeProblem('20.8.1')).toContain('this is Node 20.8.1');
  expect(nodeProblem('18.20.4')).toContain('20.9 or newer');
});

describe('lockDifference', () => {
  const wanted = {
    '': { version: '0.1.0' },
    'node_modules/a': { version: '1.0.0' },
    'node_modules/a-linux-x64': { version: '1.0.0', optional: true, os: ['linux'], cpu: ['x64'] },
    'node_modules/a-linuxmusl-x64': { version: '1.0.0', optional: true, os: ['linux'], cpu: ['x64'], libc: ['musl'] },
    'node_modules/a-win32-x64': { version: '1.0.0', optional: true, os: ['win32'], cpu: ['x64'] },
    'node_modules/a-wasm': { version: '1.0.0', optional: true },
  };
  const installed = { 'node_modules/a': { version: '1.0.0' }, 'node_modules/a-linux-x64': { version: '1.0.0' } };

  test('there is none if only binaries of other platforms and optional packages are missing', () => {
    expect(lockDifference(wanted, installed, 'linux', 'x64')).toBeUndefined();
  });
  test('a missing package is found', () => {
    expect(lockDifference(wanted, {}, 'linux', 'x64')).toBe('node_modules/a is missing');
  });
  test('a package of another version is found', () => {
    const older = { ...installed, 'node_modules/a': { version: '0.9.0' } };
    expect(lockDifference(wanted, older, 'linux', 'x64')).toBe('node_modules/a is 0.9.0, not 1.0.0');
  });
  test('binaries of another platform are found', () => {
    expect(lockDifference(wanted, installed, 'win32', 'x64')).toBe('node_modules/a-win32-x64 is missing');
  });
});

describe('packagesProblem', () => {
  let root = '';
  const lock = JSON.stringify({ packages: { 'node_modules/webgpu': { version: '1.0.0' } } });

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'dawngrad-packages-'));
    writeFileSync(join(root, 'package-lock.json'), lock);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** Creates the packages that set-up looks for. */
  function install(record: string | undefined) {
    for (const name of ['webgpu', 'tsx', 'sharp']) {
      mkdirSync(join(root, 'node_modules', name), { recursive: true });
      writeFileSync(join(root, 'node_modules', name, 'package.json'), '{}');
    }
    if (record) writeFileSync(join(root, 'node_modules', '.package-lock.json'), record);
  }

  test('missing packages are a problem', () => {
    expect(packagesProblem(root)).toBe('node_modules is missing');
    mkdirSync(join(root, 'node_modules'));
    expect(packagesProblem(root)).toBe('node_modules/webgpu is missing');
  });

  test('packages that npm did not install are a problem', () => {
    install(undefined);
    expect(packagesProblem(root)).toContain('not installed from package-lock.json');
  });

  test("packages that match npm's record are accepted and remembered for the next run", () => {
    install(lock);
    expect(packagesProblem(root)).toBeUndefined();
    const stamp = join(root, 'node_modules', '.cache', 'dawngrad', 'packages');
    expect(readFileSync(stamp, 'utf8')).toBe(lockKey(lock, process.platform, process.arch));
    rmSync(join(root, 'node_modules', '.package-lock.json'));
    expect(packagesProblem(root)).toBeUndefined();
  });

  test('nothing is installed through a link, as npm would empty the folder behind it', () => {
    const shared = join(root, 'shared');
    mkdirSync(join(shared, 'kept'), { recursive: true });
    symlinkSync(shared, join(root, 'node_modules'), 'junction');
    expect(() => installPackages(root)).toThrow(/node_modules is a link to .*shared, and npm ci would delete/);
    expect(existsSync(join(shared, 'kept'))).toBe(true);
  });

  test('a changed lock file is a problem', () => {
    install(lock);
    expect(packagesProblem(root)).toBeUndefined();
    writeFileSync(join(root, 'package-lock.json'), lock.replace('1.0.0', '2.0.0'));
    expect(packagesProblem(root)).toContain('node_modules/webgpu is 1.0.0, not 2.0.0');
  });
});

/** The cache folder of each system, and the meaning of addresses and names. */
import { expect, test } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { cacheFolder, cachePath, OFFICIAL_ADDRESSES } from '../../src/fetch/index.ts';
import { proxySettings, proxyVariable } from '../../src/fetch/proxy.ts';
import { hashInName, sourceOf } from '../../src/fetch/source.ts';

test.each<[string, NodeJS.Platform, NodeJS.ProcessEnv, string]>([
  ['Linux', 'linux', {}, '/home/ada/.cache/dawngrad'],
  ['Linux with XDG_CACHE_HOME', 'linux', { XDG_CACHE_HOME: '/var/tmp/ada' }, '/var/tmp/ada/dawngrad'],
  ['a relative XDG_CACHE_HOME, which counts as none', 'linux', { XDG_CACHE_HOME: 'tmp' }, '/home/ada/.cache/dawngrad'],
  ['macOS', 'darwin', { XDG_CACHE_HOME: '/ignored' }, '/home/ada/Library/Caches/dawngrad'],
  ['DAWNGRAD_CACHE', 'darwin', { DAWNGRAD_CACHE: '/big/disk' }, '/big/disk'],
  ['an empty DAWNGRAD_CACHE, which counts as none', 'linux', { DAWNGRAD_CACHE: '' }, '/home/ada/.cache/dawngrad'],
])('the cache folder: %s', (_, platform, env, expected) => {
  expect(cacheFolder(env, { platform, home: '/home/ada' })).toBe(expected);
});

test('the cache folder: Windows', () => {
  const system = { platform: 'win32', home: 'C:\\Users\\ada' } as const;
  expect(cacheFolder({ LOCALAPPDATA: 'D:\\Local' }, system)).toBe('D:\\Local\\dawngrad\\Cache');
  expect(cacheFolder({}, system)).toBe('C:\\Users\\ada\\AppData\\Local\\dawngrad\\Cache');
  expect(cacheFolder({ DAWNGRAD_CACHE: 'E:\\kept' }, system)).toBe('E:\\kept');
});

test('the official addresses, unless a variable or an option names another', () => {
  const env = { DAWNGRAD_CACHE: '/c' };
  expect(sourceOf('data', { env }).address.href).toBe(OFFICIAL_ADDRESSES.data);
  expect(sourceOf('weights', { env }).address.href).toBe(OFFICIAL_ADDRESSES.weights);
  const named = { ...env, DAWNGRAD_WEIGHTS_URL: 'http://mirror.example/a.pth' };
  expect(sourceOf('weights', { env: named }).address.href).toBe('http://mirror.example/a.pth');
  expect(sourceOf('data', { env: named }).address.href).toBe(OFFICIAL_ADDRESSES.data);
  expect(sourceOf('weights', { env: named, address: 'http://b.example/b.pth' }).address.host).toBe('b.example');
});

test('different downloads have different names in the cache', () => {
  const env = { DAWNGRAD_CACHE: '/c' };
  const data = (address?: string) => cachePath('data', { env, address });
  const weights = (address?: string) => cachePath('weights', { env, address });
  expect(data()).toBe('/c/hymenoptera_data');
  expect(weights()).toBe('/c/resnet18-f37072fd.pth');
  // The name identifies the content, so the rest of the address does not matter.
  expect(weights('http://mirror.example/x/resnet18-f37072fd.pth')).toBe(weights());
  expect(weights('http://a.example/mine.pth')).toMatch(/^\/c\/[0-9a-f]{8}-mine\.pth$/);
  expect(weights('http://a.example/mine.pth')).not.toBe(weights('http://b.example/mine.pth'));
  expect(data('http://a.example/hymenoptera_data.zip')).toMatch(/^\/c\/[0-9a-f]{8}-hymenoptera_data$/);
  expect(data('http://a.example/%2e%2e%2fevil%00.zip?x=/../y')).toMatch(/^\/c\/[0-9a-f]{8}-[\w.-]+$/);
  expect(data('http://a.example/')).toMatch(/^\/c\/[0-9a-f]{8}-download$/);
});

test.each([
  ['resnet18-f37072fd.pth', 'f37072fd'],
  ['resnet18-f37072fd0123456789.pth', 'f37072fd0123456789'],
  ['resnet18.pth', undefined],
  ['resnet18-imagenet.pth', undefined],
  ['resnet18-f37072fd', undefined],
  ['resnet18-f37072.pth', undefined],
  ['resnet18-f37072fd-best.pth', undefined],
])('the hash in %s is %s', (name, expected) => {
  expect(hashInName(name)).toBe(expected);
});

test.each([['mirror.example/a.zip'], ['ftp://mirror.example/a.zip'], ['file:///etc/passwd'], ['http://']])(
  'the address %s is refused, naming the variable',
  (address) => {
    const call = () => sourceOf('data', { env: { DAWNGRAD_DATA_URL: address } });
    expect(call).toThrow(UsageError);
    expect(call).toThrow(`DAWNGRAD_DATA_URL: expected an http or https address, found "${address}"`);
  },
);

test('an address with a password is refused without showing it', () => {
  const call = () => sourceOf('weights', { env: { DAWNGRAD_WEIGHTS_URL: 'https://me:secret@mirror.example/a.pth' } });
  expect(call).toThrow('DAWNGRAD_WEIGHTS_URL: must not hold a user name or a password');
  expect(call).not.toThrow(/secret/);
});

test('proxies: by protocol, lower case first, with http’s as the fallback for https', () => {
  const env = {
    HTTP_PROXY: 'http://one.example',
    https_proxy: 'http://two.example',
    HTTPS_PROXY: 'http://three.example',
  };
  expect(proxyVariable('https:', env)).toBe('https_proxy');
  expect(proxyVariable('http:', env)).toBe('HTTP_PROXY');
  expect(proxyVariable('http:', { HTTPS_PROXY: 'http://three.example' })).toBeUndefined();
  expect(proxySettings({ ...env, NO_PROXY: 'localhost' })).toEqual({
    httpProxy: 'http://one.example',
    httpsProxy: 'http://two.example',
    noProxy: 'localhost',
  });
  expect(() => proxySettings({ HTTPS_PROXY: 'socks5://me:secret@p.example' })).toThrow(
    'HTTPS_PROXY: expected the address of an http or https proxy, such as http://proxy.example:8080, found one that begins with socks5:',
  );
});

/** `npm run predict -- --watch`: each new picture once, when it is complete; broken and vanished ones; its end. */
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import { main } from '../../src/cli/predict.ts';
import { withGpu } from '../support/gpu.ts';
import { call, drawPicture, randomState, SIZE, temporaryFolder, writeBroken, writeNet } from './support.ts';

const { gpuTest, gpu } = await withGpu();
const root = temporaryFolder();
const picture = await drawPicture(join(root, 'a.png'), 1);

gpuTest(
  'answers each new picture once and whole, survives broken and removed ones, and ends with 0',
  async () => {
    const weights = writeNet(join(root, 'net.safetensors'), randomState(gpu, 3), { imageSize: String(SIZE) });
    const folder = join(root, 'camera');
    mkdirSync(join(folder, 'more'), { recursive: true });
    copyFileSync(picture, join(folder, 'old.png'));
    let [stdout, stderr] = ['', ''];
    const flags = ['--weights', weights, '--threads', '0', '--json', '--watch', folder];
    const ended = main([...flags, '--save', join(folder, 'seen'), join(folder, 'old.png')], {
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
      env: {},
    });
    const paths = () =>
      stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { path: string }).path);
    const until = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 50 });
    await until(() => expect(stderr).toContain(`Watching ${folder} for new pictures`));
    expect(paths()).toEqual([join(folder, 'old.png')]);

    const bytes = readFileSync(picture);
    const slow = join(folder, 'slow.png');
    writeFileSync(slow, bytes.subarray(0, 20));
    writeBroken(join(folder, 'broken.jpg'));
    writeFileSync(join(folder, 'notes.txt'), 'no picture');
    writeFileSync(join(folder, '.part.png'), bytes);
    copyFileSync(picture, join(folder, 'gone.png'));
    await sleep(400);
    rmSync(join(folder, 'gone.png'));
    appendFileSync(slow, bytes.subarray(20, 60));
    await sleep(400);
    appendFileSync(slow, bytes.subarray(60));
    renameSync(join(folder, '.part.png'), join(folder, 'more', 'moved.png'));
    await until(() => {
      expect(paths().sort()).toEqual(['more/moved.png', 'old.png', 'slow.png'].map((place) => join(folder, place)));
      expect(stderr).toMatch(/Skipped: .*broken\.jpg: this is not a picture/);
    });
    // A snapshot that is written over is a new picture.
    writeFileSync(join(folder, 'old.png'), bytes);
    await until(() => expect(paths().filter((path) => path.endsWith('old.png'))).toHaveLength(2));
    process.emit('SIGINT');
    expect(await ended).toBe(0);
    expect(paths()).toHaveLength(4);
    expect(stderr).not.toMatch(/Skipped: .*(slow|gone|seen|notes|part)/);
    expect(process.listenerCount('SIGINT')).toBe(0);
  },
  60_000,
);

gpuTest('the watched folder must be there, and is not that of --save', async () => {
  const missing = await call(['--weights', picture, '--watch', join(root, 'missing')]);
  expect(missing.code).toBe(2);
  expect(missing.stderr).toMatch(/--watch: .*missing: no such folder/);
  const same = await call(['--weights', picture, '--watch', root, '--save', `${root}/`]);
  expect(same.code).toBe(2);
  expect(same.stderr).toMatch(/--save: expected another folder than --watch/);
});

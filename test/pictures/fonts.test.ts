/** The pictures are the same on a machine with fonts and on one without. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'dawngrad-fonts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The hash of every picture that test/pictures/draw-all.ts draws. */
async function drawAll(env: NodeJS.ProcessEnv): Promise<Record<string, string>> {
  const script = fileURLToPath(new URL('draw-all.ts', import.meta.url));
  const options = { env: { ...process.env, ...env } };
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script], options);
  return JSON.parse(stdout) as Record<string, string>;
}

test('a machine without fonts draws the same bytes', async () => {
  const none = join(folder, 'none.conf');
  writeFileSync(none, '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig></fontconfig>');
  // The package's own font stands for a machine with fonts, wherever this runs.
  const some = join(folder, 'some.conf');
  const ttf = fileURLToPath(new URL('../../node_modules/dejavu-fonts-ttf/ttf', import.meta.url));
  writeFileSync(
    some,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>${ttf}</dir><cachedir>${folder}</cachedir></fontconfig>`,
  );
  const { withFonts: blank, ...without } = await drawAll({ FONTCONFIG_FILE: none, FONTCONFIG_PATH: folder });
  const { withFonts: text, ...others } = await drawAll({ FONTCONFIG_FILE: some });
  // Otherwise the two machines do not differ, and the comparison shows nothing.
  expect(blank).not.toBe(text);
  expect(without).toEqual(others);
  expect(Object.keys(without)).toEqual([
    ...['annotated', 'curves', 'predictions', 'confusion', 'topLosses', 'trainBatch'],
  ]);
});

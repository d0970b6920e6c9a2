/** loader.test.ts runs this as a separate program: it prints a hash per batch and ends without closing anything. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { DataLoader, Generator, ImageFolder } from '../../src/data/index.ts';

const dataset = new ImageFolder(fileURLToPath(new URL('../golden/data/folder', import.meta.url)));
const transform = { kind: 'val', size: 64, resize: 72 } as const;
const loader = new DataLoader(dataset, {
  batchSize: 5,
  shuffle: true,
  transform,
  generator: new Generator(3),
  threads: 2,
});
const found: string[] = [];
for await (const batch of loader) found.push(createHash('sha256').update(batch.images).digest('hex'));
console.log(found.join(' '));

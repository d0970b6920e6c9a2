/** `npm run walk`: writes what the commands of docs/walk.md print into it. DAWNGRAD_WEIGHTS names ImageNet's weights. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withOutputs } from './document.ts';
import { WALK, walk } from './walk.ts';

const weights = process.env.DAWNGRAD_WEIGHTS;
if (!weights) {
  console.error('walk: expected DAWNGRAD_WEIGHTS, a checkpoint of ResNet-18 with ImageNet weights, found none');
  process.exit(2);
}
const scratch = mkdtempSync(join(tmpdir(), 'dawngrad-walk-'));
try {
  const walked = await walk(scratch, weights, (command) => console.log(`$ ${command}`));
  const outputs = walked.map(({ printed }) => printed);
  writeFileSync(WALK, withOutputs(readFileSync(WALK, 'utf8'), outputs));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

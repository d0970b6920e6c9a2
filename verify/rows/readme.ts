/** The first page stays short. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../processes.ts';
import { atMost, type Row } from '../row.ts';

const MOST_WORDS = 900;

export const readmeRow: Row = {
  name: 'readme',
  title: 'README.md: its words, code and tables among them, as `wc -w` counts',
  minutes: 0,
  ci: true,
  alone: true,
  run: async () => {
    const words = readFileSync(join(ROOT, 'README.md'), 'utf8').trim().split(/\s+/).length;
    return [atMost('words', words, MOST_WORDS, String)];
  },
};

/**
 * `npm run api`: writes the reports of the package's exports to docs/api/. With --check it writes nothing, and its exit
 * status is 1 if a committed report differs from the code.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { currentDeclarations } from './api/declarations.ts';
import { firstDifference, namesOf, readReport, reportPath, writeReports } from './api/report.ts';
import { installTools, ROOT } from './api/tools.ts';
import { readCommandLine } from './command-line.ts';

const { check } = readCommandLine({ options: { check: { type: 'boolean', default: false } } }).values;

installTools();
const reports = writeReports(currentDeclarations());
for (const [entry, text] of reports) {
  const difference = firstDifference(entry, readReport(ROOT, entry), text);
  const state = difference ? (check ? difference : 'written') : 'current';
  console.log(`api: ${entry}: ${namesOf(text).length} names, ${state}`);
  if (difference && check) process.exitCode = 1;
  if (difference && !check) {
    mkdirSync(dirname(reportPath(ROOT, entry)), { recursive: true });
    writeFileSync(reportPath(ROOT, entry), text);
  }
}
if (process.exitCode)
  console.error('api: if the change of the API is intended, run `npm run api` and commit docs/api/.');

/** The exports of the package: few names, no internals, each with a docstring, and current reports in docs/api. */
import { currentDeclarations } from '../../scripts/api/declarations.ts';
import { exportsOf, internalNames } from '../../scripts/api/exports.ts';
import { ENTRIES, firstDifference, MOST_NAMES, namesOf, readReport, writeReports } from '../../scripts/api/report.ts';
import { installTools, ROOT } from '../../scripts/api/tools.ts';
import { SetupError } from '../../scripts/setup/say.mjs';
import { atMost, either, type Outcome, type Row, Skipped } from '../row.ts';

export const exportsRow: Row = {
  name: 'exports',
  title: 'exported names of the package: their number, documented, no internals, and equal to docs/api',
  minutes: 0.5,
  ci: true,
  alone: true,
  run: async () => {
    const exported = exportsOf(ENTRIES.map(({ file }) => `src/${file}.ts` as const));
    const entries = ENTRIES.map(({ file, name }) => ({ file, name, ...exported[`src/${file}.ts`] }));
    const root = exported['src/index.ts'].names.length;
    if (root === 0) throw new Error('src/index.ts exports no names.');
    const sizes = entries.map(({ file, names }) => `${file} ${names.length}`).join(', ');
    const outcomes = [
      atMost(`names in the root, types included (${sizes})`, root, MOST_NAMES, String),
      none('internals among them', entries.flatMap(internalNames)),
      none(
        'without a docstring',
        entries.flatMap(({ undocumented }) => undocumented),
      ),
      none(
        'entries whose report has other names',
        entries.filter(({ file, names }) => statedNames(file) !== names.join()).map(({ name }) => name),
      ),
    ];
    return [...outcomes, signatures(outcomes)];
  },
};

/** An outcome that holds if nothing is found. */
function none(what: string, found: readonly string[]): Outcome {
  const names = [...new Set(found)];
  return { what, figure: [names.length, ...names].join(' '), bar: '0', holds: names.length === 0 };
}

function statedNames(entry: (typeof ENTRIES)[number]['file']): string | undefined {
  const report = readReport(ROOT, entry);
  return report === '' ? undefined : namesOf(report).join();
}

/** Whether docs/api is current. Needs the packages of tools/, and a registry the first time. */
function signatures(outcomes: readonly Outcome[]): Outcome {
  try {
    installTools();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    throw new Skipped(`the signatures in docs/api: ${error.message}`, outcomes);
  }
  const differences = [...writeReports(currentDeclarations())].flatMap(
    ([entry, text]) => firstDifference(entry, readReport(ROOT, entry), text) ?? [],
  );
  const wrong = `${differences.join('; ')}; run \`npm run api\``;
  return either('reports with their signatures', differences.length === 0, 'current', wrong);
}

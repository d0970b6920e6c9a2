/** What the package exports: few names, no internals, each with a docstring, and the reports in docs/api say so. */
import { currentDeclarations } from '../../scripts/api/declarations.ts';
import { exportsOf, internalNames } from '../../scripts/api/exports.ts';
import { ENTRIES, firstDifference, MOST_NAMES, namesOf, readReport, writeReports } from '../../scripts/api/report.ts';
import { installTools, ROOT } from '../../scripts/api/tools.ts';
import { SetupError } from '../../scripts/setup/say.mjs';
import { type Outcome, type Row, Skipped } from '../row.ts';

export const exportsRow: Row = {
  name: 'exports',
  title: 'names that the package exports: how many, documented, no internals, and as docs/api states',
  minutes: 0.5,
  ci: true,
  alone: true,
  run: async () => {
    const exported = exportsOf(ENTRIES.map(({ file }) => `src/${file}.ts` as const));
    const entries = ENTRIES.map(({ file, name }) => ({ file, name, ...exported[`src/${file}.ts`] }));
    const root = exported['src/index.ts'];
    const outcomes = [
      {
        what: 'names in the root, types included',
        figure: `${root.names.length} (${entries.map(({ file, names }) => `${file} ${names.length}`).join(', ')})`,
        bar: `at most ${MOST_NAMES}`,
        holds: root.names.length > 0 && root.names.length <= MOST_NAMES,
      },
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

/** Nothing is to be found. */
function none(what: string, found: readonly string[]): Outcome {
  const names = [...new Set(found)];
  return { what, figure: [names.length, ...names].join(' '), bar: '0', holds: names.length === 0 };
}

function statedNames(entry: (typeof ENTRIES)[number]['file']): string | undefined {
  const report = readReport(ROOT, entry);
  return report === '' ? undefined : namesOf(report).join();
}

/** Whether docs/api is what `npm run api` would write. It needs the packages of tools/, and the first time a registry. */
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
  return {
    what: 'reports with their signatures',
    figure: differences.length === 0 ? 'current' : differences.join('; '),
    bar: 'current; else `npm run api`',
    holds: differences.length === 0,
  };
}

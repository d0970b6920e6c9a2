// @ts-check
/**
 * Rolls each entry's declarations up to one list, by API Extractor: `node tools/api.mjs ROOT FOLDER ENTRY…`, where FOLDER, in
 * ROOT, holds ENTRY.d.ts. `npm run api` calls this. Prints JSON, `{ entry: [{ name, exported, text }] }`: what the entry exports and
 * every type of this package that its signatures reach.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import ts from 'typescript';

const [root = '', folder = '', ...entries] = process.argv.slice(2);
const SILENT = { default: { logLevel: /** @type {const} */ ('none') } };

/** @param {string} entry */
function configOf(entry) {
  return ExtractorConfig.prepare({
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: join(folder, `${entry}.d.ts`),
      newlineKind: 'lf',
      compiler: { tsconfigFilePath: join(root, 'tsconfig.build.json') },
      apiReport: {
        enabled: true,
        reportFolder: folder,
        reportTempFolder: join(folder, 'temp'),
        reportFileName: `${entry}.api.md`,
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        extractorMessageReporting: SILENT,
        tsdocMessageReporting: SILENT,
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
  });
}

/**
 * The declarations of a report, without its comments. Overloads are one.
 * @param {string} report
 */
function declarationsOf(report) {
  const text = /```ts\n([\s\S]*?)\n```/.exec(report)?.[1] ?? '';
  const source = ts.createSourceFile('report.ts', text, ts.ScriptTarget.Latest, true);
  /** @type {Map<string, { name: string, exported: boolean, text: string }>} */
  const byName = new Map();
  // A class with the name of a global, such as Generator, is Generator_2 in the report, with an export clause.
  const renamed = new Map(source.statements.flatMap(renames));
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement) || renames(statement).length > 0) continue;
    const lines = statement.getText().split('\n');
    const bare = lines.filter((line) => !/^\s*\/\//.test(line)).join('\n');
    for (const { name: local, exported: direct } of declared(statement)) {
      const name = renamed.get(local) ?? local;
      const exported = direct || renamed.has(local);
      const text = bare.replace(/\b\w+_\d+\b/g, (word) => renamed.get(word) ?? word);
      const plain = exported && !direct ? `export ${text}` : text;
      const before = byName.get(name);
      byName.set(name, { name, exported, text: before ? `${before.text}\n\n${plain}` : plain });
    }
  }
  return [...byName.values()];
}

/**
 * `[local, exported]` of each name in an export clause of local names.
 * @param {ts.Statement} statement
 * @returns {[string, string][]}
 */
function renames(statement) {
  if (!ts.isExportDeclaration(statement) || !statement.exportClause || statement.moduleSpecifier) return [];
  if (!ts.isNamedExports(statement.exportClause)) return [];
  return statement.exportClause.elements.map(({ name, propertyName }) => [(propertyName ?? name).text, name.text]);
}

/**
 * @param {ts.Statement} statement
 * @returns {{ name: string, exported: boolean }[]}
 */
function declared(statement) {
  const exported =
    ts.canHaveModifiers(statement) &&
    (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => ({ name: name.getText(), exported }));
  }
  const name = /** @type {ts.DeclarationStatement} */ (statement).name?.getText();
  if (name === undefined)
    throw new Error(`api: no name in this line of API Extractor's report: ${statement.getText()}`);
  return [{ name, exported }];
}

const configs = entries.map(configOf);
const compilerState = CompilerState.create(/** @type {ExtractorConfig} */ (configs[0]), {
  additionalEntryPoints: entries.map((entry) => join(folder, `${entry}.d.ts`)),
});
/** @type {Record<string, unknown>} */
const result = {};
for (const [i, config] of configs.entries()) {
  const { succeeded } = Extractor.invoke(config, {
    compilerState,
    localBuild: true,
    messageCallback: (message) => {
      if (message.logLevel === 'error') process.stderr.write(`api: ${message.text}\n`);
      message.handled = true;
    },
  });
  if (!succeeded) process.exit(1);
  const entry = /** @type {string} */ (entries[i]);
  result[entry] = declarationsOf(readFileSync(join(folder, `${entry}.api.md`), 'utf8'));
}
process.stdout.write(JSON.stringify(result));

// @ts-check
/**
 * Writes the reference as HTML: `node tools/docs.mjs TSCONFIG FOLDER ENTRY…`, a module for each entry. `npm run docs` calls
 * this. Ends with status 1 where TypeDoc has an error or a warning, such as a `{@link}` that leads nowhere.
 */
import { Application } from 'typedoc';

const [tsconfig = '', out = '', ...entryPoints] = process.argv.slice(2);

const app = await Application.bootstrapWithPlugins({
  name: 'dawngrad',
  tsconfig,
  out,
  entryPoints,
  readme: 'none',
  disableGit: true,
  sourceLinkTemplate: 'https://unpkg.com/dawngrad/{path}#L{line}',
  excludePrivate: true,
  excludeInternal: true,
  // Types of options and results are documented although they are not exported; those of Node and WebGPU are not ours.
  plugin: ['typedoc-plugin-missing-exports'],
  internalModule: 'not exported',
  excludeExternals: true,
  logLevel: 'Warn',
  treatWarningsAsErrors: true,
  // `npm run docs` looks for missing docstrings itself: TypeDoc would count the types that are not exported too.
  validation: { notExported: false, notDocumented: false, invalidLink: true, invalidPath: true },
});

const project = await app.convert();
if (project) app.validate(project);
if (!project || app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);
await app.generateOutputs(project);
process.exitCode = app.logger.hasErrors() || app.logger.hasWarnings() ? 1 : 0;

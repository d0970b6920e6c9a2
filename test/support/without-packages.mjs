/** Loaded with `node --import …`: no later import finds the optional dependencies, as if npm had left them out. */
import { readFileSync } from 'node:fs';
import { register } from 'node:module';

const { optionalDependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const hooks = `
  const missing = new Set(${JSON.stringify(Object.keys(optionalDependencies))});
  export async function resolve(specifier, context, next) {
    // Also parts of a package: sharp/x, @scope/name/x.
    const name = specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
    if (!missing.has(name)) return next(specifier, context);
    throw Object.assign(new Error('Cannot find package ' + specifier), { code: 'ERR_MODULE_NOT_FOUND' });
  }`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

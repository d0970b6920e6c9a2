/** Loaded with `node --import …`: no later import finds the optional dependencies, as if npm had left them out. */
import { readFileSync } from 'node:fs';
import { register } from 'node:module';

const { optionalDependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const hooks = `
  const missing = new Set(${JSON.stringify(Object.keys(optionalDependencies))});
  export async function resolve(specifier, context, next) {
    if (!missing.has(specifier)) return next(specifier, context);
    throw Object.assign(new Error('Cannot find package ' + specifier), { code: 'ERR_MODULE_NOT_FOUND' });
  }`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

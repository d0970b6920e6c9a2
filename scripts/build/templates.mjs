// @ts-check
/**
 * The templates of shaders/ as a module of functions: what the package has in the place of src/kernels/templates.ts, which reads
 * them as files and makes functions of text. A page whose content security policy forbids `eval` can run the result.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Eta } from 'eta';

/** Eta's own parser with the settings of src/kernels/templates.ts, so that both read the same. */
const eta = new Eta({ autoEscape: false, autoTrim: false, useWith: false, varName: 'k' });

/**
 * @param {string} folder the shaders
 * @returns {string} JavaScript that exports `fillTemplate`
 */
export function templatesModule(folder) {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'));
  const shaders = names.filter((name) => name.endsWith('.wgsl')).sort();
  if (shaders.length === 0) throw new Error(`${folder} holds no shaders (*.wgsl).`);
  const entries = shaders.map(
    (name) => `${JSON.stringify(name)}: ${templateFunction(readFileSync(join(folder, name), 'utf8'))}`,
  );
  return `/** Made of shaders/ by \`npm run build\`: each template as a function of the values that it is filled in with. */
const templates = {
${entries.join(',\n')},
};

export function fillTemplate(file, values) {
  if (!Object.hasOwn(templates, file)) throw new Error(\`There is no shader \${file}.\`);
  return templates[file](values, (part, more) => fillTemplate(part.slice(1), { ...values, ...more }));
}
`;
}

/**
 * Source of a function (k, include) that gives a template's text.
 * @param {string} template
 */
export function templateFunction(template) {
  const statements = eta.parse(template).map((piece) => {
    // Text comes with its quotes and newlines escaped already.
    if (typeof piece === 'string') return `$text += '${piece}';`;
    return piece.t === 'e' ? piece.val : `$text += ${piece.val};`;
  });
  return `(k, include) => {\nlet $text = '';\n${statements.join('\n')}\nreturn $text;\n}`;
}

// @ts-check
/**
 * Writes the templates of shaders/ as a module of functions. The package has this module in the place of
 * src/kernels/templates.ts, which reads the files and turns text into functions. A page whose content security policy
 * forbids `eval` can run the module.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Eta } from 'eta';

/** Eta's own parser with the settings of src/kernels/templates.ts, so that both parse alike. */
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
  return `/** Made from shaders/ by \`npm run build\`: each template as a function of the values that fill it. */
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
 * The source of a function (k, include) that returns the text of a filled template.
 * @param {string} template
 */
export function templateFunction(template) {
  const statements = eta.parse(template).map((piece) => {
    // The parser has already escaped the quotes and newlines of text.
    if (typeof piece === 'string') return `$text += '${piece}';`;
    return piece.t === 'e' ? piece.val : `$text += ${piece.val};`;
  });
  return `(k, include) => {\nlet $text = '';\n${statements.join('\n')}\nreturn $text;\n}`;
}

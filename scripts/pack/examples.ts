/** Puts the examples of README.md, docs/library.md and examples/ unchanged into the folder of a user. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeBlocks, type Ended, type Installed, readme, run } from './install.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The examples of README.md and docs/library.md, in the order of `documentedExamples`. */
export const README_EXAMPLES = ['training', 'custom-op', 'inference', 'stripes'] as const;
export type Example = (typeof README_EXAMPLES)[number] | 'softmax';

/** The strictest options that a user may set. `skipLibCheck` is off, so the declarations are checked too. */
const STRICT = {
  target: 'es2022',
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
};

/** Compiler options of different users, by their special feature. */
export const TYPE_SETTINGS = {
  'no types but the package’s own': { ...STRICT, module: 'nodenext', types: [] },
  'Node’s types, no browser’s': { ...STRICT, module: 'nodenext', lib: ['es2023'], types: ['node'] },
  'for a bundler': { ...STRICT, module: 'esnext', moduleResolution: 'bundler', types: [] },
} as const;

/** The code of the documented examples, in the order of their names. */
export function documentedExamples(): readonly string[] {
  const library = readFileSync(join(root, 'docs', 'library.md'), 'utf8');
  const sections = ['An op of your own', 'A trained network', 'A small network'];
  const ofLibrary = sections.flatMap((section) => codeBlocks(library, section, 'ts'));
  const blocks = [...codeBlocks(readme(), 'As a library', 'ts'), ...ofLibrary];
  if (blocks.length === README_EXAMPLES.length) return blocks;
  throw new Error(`README.md and docs/library.md have ${blocks.length} examples, not ${README_EXAMPLES.length}.`);
}

/** Writes each example as `<name>.ts`, and `uses.ts`, which uses the names that must have a type. */
export function writeExamples({ folder }: Installed): void {
  const blocks = documentedExamples();
  mkdirSync(join(folder, 'ts'), { recursive: true });
  README_EXAMPLES.forEach((name, i) => {
    writeFileSync(join(folder, 'ts', `${name}.ts`), blocks[i]!);
  });
  cpSync(join(root, 'examples'), join(folder, 'ts'), { recursive: true });
  writeFileSync(join(folder, 'ts', 'uses.ts'), USES);
}

/** Every use is an error if the name it uses is `any` or has lost its type. */
const USES = `import * as dawngrad from 'dawngrad';
import * as engine from 'dawngrad/engine';
import { type Gpu, openGpu, type Prediction, Tensor, train, type TrainOptions } from 'dawngrad';

type IsAny<T> = 0 extends 1 & T ? true : false;
type AnyNames = { [N in keyof typeof dawngrad]: IsAny<(typeof dawngrad)[N]> extends true ? N : never }[keyof typeof dawngrad];
const none: [AnyNames] extends [never] ? true : AnyNames = true;
type AnyOfEngine = { [N in keyof typeof engine]: IsAny<(typeof engine)[N]> extends true ? N : never }[keyof typeof engine];
const noneOfEngine: [AnyOfEngine] extends [never] ? true : AnyOfEngine = true;

const gpu: Gpu = await openGpu({ adapter: 'software' });
const values: Float32Array = await Tensor.zeros(gpu, [2, 3]).data();
const small: Gpu = await engine.openGpu({ adapter: 'low-power', minimal: true });
const loss: number = await engine.Tensor.zeros(small, []).item();
const options: TrainOptions = { data: 'folder', mode: 'extract', epochs: 1 };
const best: number = (await train(options)).summary.bestValAcc;
const name = (prediction: Prediction): string => prediction.top[0].name;
// @ts-expect-error: there is no such adapter
await openGpu({ adapter: 'quick' });
// @ts-expect-error: there is no such adapter
await engine.openGpu({ adapter: 'quick' });
// @ts-expect-error: a shape is not a number
Tensor.zeros(gpu, 3);
export default [none, noneOfEngine, values, best, name, loss];
`;

/** TypeScript's errors in all examples with these options; undefined if there are none. `emit` also writes js/*.js. */
export async function compile(
  { folder }: Installed,
  options: object,
  { tsc = join(root, 'node_modules/typescript/bin/tsc'), emit = false } = {},
): Promise<string | undefined> {
  const place = emit ? { rootDir: 'ts', outDir: 'js' } : { noEmit: true };
  const config = { compilerOptions: { ...options, ...place }, include: ['ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config, null, 2));
  const { code, stdout } = await run(process.execPath, [tsc, '-p', folder], folder);
  return code === 0 ? undefined : stdout || `status ${code}`;
}

/** Runs a compiled example in plain Node. */
export function runExample({ folder }: Installed, name: Example): Promise<Ended> {
  return run(process.execPath, [join('js', `${name}.js`)], folder);
}

/** The package after `npm install dawngrad`: the README's examples, types for old and new compilers, the command. */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { compile, type Example, runExample, TYPE_SETTINGS, writeExamples } from '../../scripts/pack/examples.ts';
import { dawngrad, type Ended, type Installed, MOST_BYTES, packAndInstall } from '../../scripts/pack/install.ts';
import { writeDemoPictures } from '../../src/demo/index.ts';
import { atMost, type Context, either, type Outcome, type Row } from '../row.ts';

/** The oldest compiler that the README promises, and this project's. */
const COMPILERS = ['typescript@5.7', 'typescript of this project'] as const;

export const packageRow: Row = {
  name: 'package',
  title: '`npm pack`, installed in an empty folder: the examples run, the types are complete, npx works',
  minutes: 2,
  ci: true,
  run: async (context) => {
    const started = performance.now();
    const app = await packAndInstall(context.scratch, ['@types/node@20', `old@npm:${COMPILERS[0]}`]);
    const seconds = (performance.now() - started) / 1000;
    const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`;
    const what = `packed, installed in ${seconds.toFixed(0)} s, ${app.files.length} files`;
    writeExamples(app);
    return [
      atMost(what, app.packedBytes, MOST_BYTES.packed, kib),
      ...(await types(app)),
      ...(await examples(app, context)),
      ...(await commands(app)),
    ];
  },
};

async function types(app: Installed): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const compiler of COMPILERS) {
    const options = compiler === COMPILERS[0] ? { tsc: join(app.folder, 'node_modules/old/bin/tsc') } : {};
    const errors: string[] = [];
    for (const settings of Object.values(TYPE_SETTINGS)) errors.push(...lines(await compile(app, settings, options)));
    const what = `examples compiled by ${compiler} in ${Object.keys(TYPE_SETTINGS).length} settings, declarations checked`;
    outcomes.push(either(what, errors.length === 0, '0 errors', `${errors.length} errors${detail(errors)}`));
  }
  return outcomes;
}

/** Runs the examples with real weights, which the package converts, and a real photograph. */
async function examples(app: Installed, { weights, data }: Context): Promise<Outcome[]> {
  const broken = await compile(app, TYPE_SETTINGS['for a bundler'], { emit: true });
  if (broken) throw new Error(`The examples do not compile:\n${broken}`);
  mkdirSync(join(app.folder, 'runs', 'insects'), { recursive: true });
  const converted = await dawngrad(app, ['convert', weights, join('runs', 'insects', 'best.safetensors')]);
  const ants = join(data, 'val', 'ants');
  copyFileSync(join(ants, readdirSync(ants).sort()[0]!), join(app.folder, 'photo.jpg'));
  return [
    ended('npx dawngrad convert', converted, ({ stdout }) => stdout.includes('102 tensors'), 'writes 102 tensors'),
    await example(app, 'training', 'loss falls below 0.05', falls),
    await example(app, 'stripes', 'loss falls below 0.05', falls),
    await example(app, 'custom-op', 'the gradient check passes', (stdout) => /^The gradient is right/.test(stdout)),
    await example(app, 'softmax', 'the gradient check passes', (stdout) => /^The gradient is right/m.test(stdout)),
    await example(app, 'inference', 'names a class of ImageNet', (stdout) =>
      /^photo\.jpg: [a-z].* \([\d.]+ %\)$/m.test(stdout),
    ),
  ];
}

function falls(stdout: string): boolean {
  const losses = Array.from(stdout.matchAll(/loss ([\d.]+)/g), ([, loss]) => Number(loss));
  return losses.length > 1 && losses[0]! > 0.5 && losses.at(-1)! < 0.05;
}

async function commands(app: Installed): Promise<Outcome[]> {
  await writeDemoPictures(join(app.folder, 'pictures'), { seed: 0, counts: { train: 4, val: 2 } });
  const tiny = ['--weights', 'none', '--epochs', '1', '--image-size', '32', '--mode', 'extract', '--out', 'runs/tiny'];
  const trained = await dawngrad(app, ['train', '--data', 'pictures', ...tiny], { npx: true });
  const flags = ['--weights', 'runs/tiny/best.safetensors', 'pictures/val'];
  const predicted = await dawngrad(app, ['predict', ...flags], { npx: true });
  return [
    ended('npx dawngrad train', trained, ({ stdout }) => stdout.includes('Best val Acc'), 'trains an epoch'),
    ended('npx dawngrad predict', predicted, ({ stdout }) => /ants|bees/.test(stdout), 'names the classes'),
    ended('npx dawngrad doctor', await dawngrad(app, ['doctor'], { npx: true }), () => true, 'finds no problem'),
  ];
}

async function example(app: Installed, name: Example, bar: string, good: (stdout: string) => boolean) {
  return ended(`example ${name}`, await runExample(app, name), ({ stdout }) => good(stdout), bar);
}

/** An outcome that holds if the program ended with status 0 and its output is good. */
export function ended(
  what: string,
  { code, stdout, stderr }: Ended,
  good: (ended: Ended) => boolean,
  bar: string,
): Outcome {
  const holds = code === 0 && good({ code, stdout, stderr });
  const last = lines(stdout).at(-1) ?? 'no output';
  return { what, figure: holds ? last : `status ${code}: ${last}${detail(lines(stderr))}`, bar, holds };
}

function lines(text = ''): string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}

function detail(found: readonly string[]): string {
  return found.length > 0 ? `\n    ${found.slice(-10).join('\n    ')}` : '';
}

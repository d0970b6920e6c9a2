/** The command line of train: its flags, and that wrong usage is a clear error with exit status 2. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { main } from '../../src/cli/train.ts';
import { parseTrainFlags, type TrainCommand } from '../../src/cli/train-flags.ts';
import { NUMBER_OPTIONS } from '../../src/plan/index.ts';
import { temporaryFolder } from './support.ts';

const root = temporaryFolder();
const data = join(root, 'data');
mkdirSync(data);
const weights = join(root, 'some.pth');
writeFileSync(weights, 'x');

async function call(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  let stdout = '';
  let stderr = '';
  const code = await main(args, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    env,
  });
  return { code, stdout, stderr };
}

const good = ['--data', data, '--weights', weights];

test.each<[string, string[], RegExp]>([
  ['an unknown flag', [...good, '--epoch', '3'], /'--epoch'/],
  ['a flag without its value', [...good, '--lr'], /--lr/],
  ['a stray argument', [...good, 'finetune'], /finetune/],
  ['a word instead of a number', [...good, '--epochs', 'many'], /--epochs: expected a number, found "many"/],
  ['an empty number', [...good, '--seed', ''], /--seed: expected a number, found ""/],
  ['a hexadecimal number', [...good, '--seed', '0x10'], /--seed: expected a number/],
  ['no epochs', [...good, '--epochs', '0'], /--epochs: expected a whole number of at least 1, found 0/],
  [
    'half a picture',
    [...good, '--batch-size', '2.5'],
    /--batch-size: expected a whole number of at least 1, found 2.5/,
  ],
  ['a negative rate', [...good, '--lr=-1'], /--lr: expected a number of at least 0, found -1/],
  ['an infinite rate', [...good, '--lr', '1e999'], /--lr: expected a number of at least 0, found Infinity/],
  ['no step size', [...good, '--step-size', '0'], /--step-size/],
  ['negative workers', [...good, '--workers=-2'], /--workers/],
  [
    'a small picture',
    [...good, '--image-size', '31'],
    /--image-size: expected a whole number from 32 to 8192, found 31/,
  ],
  ['a million threads', [...good, '--threads', '1e6'], /--threads: expected a whole number from 0 to 128/],
  ['what is no answer to divergence', [...good, '--on-divergence', 'wait'], /--on-divergence: expected stop, continue/],
  ['an unknown mode', [...good, '--mode', 'freeze'], /--mode: expected finetune, extract, probe, both, found "freeze"/],
  ['an unknown adapter', [...good, '--adapter', 'fast'], /--adapter: expected high-performance, low-power, software/],
  ['the demo with given pictures', ['--demo', '--data', data], /--demo: .* give neither --data nor --weights/],
  ['the demo with given weights', ['--demo', '--weights', 'none'], /--demo: .* give neither --data nor --weights/],
  ['missing data', ['--data', '/nowhere', '--weights', 'none'], /--data: \/nowhere: no such folder/],
  [
    'data that is a file',
    ['--data', weights, '--weights', 'none'],
    /--data: .*: expected a folder of pictures, or a list .*, found another file/,
  ],
  ['missing weights', ['--data', data, '--weights', 'no.pth'], /--weights: no.pth: no such file/],
  [
    'a block that there is not',
    ['--data', data, '--weights', 'none', '--unfreeze', 'nosuch'],
    /--unfreeze: expected a block of a resnet18: conv1, layer1, layer2, layer3, layer4, fc, found "nosuch"/,
  ],
  ['an unknown network', [...good, '--arch', 'vgg16'], /--arch: expected resnet18, .*resnext50_32x4d.*, found "vgg16"/],
  [
    'weights to download that are another network’s',
    ['--data', data, '--arch', 'resnet50'],
    /--arch resnet50: the weights that are downloaded by default are those of a resnet18/,
  ],
  [
    'frozen epochs where only the last layer learns',
    [...good, '--mode', 'extract', '--freeze-epochs', '2'],
    /--freeze-epochs: only the last layer learns in the --mode extract; leave one of the two out/,
  ],
  ['the same in both modes', [...good, '--mode', 'both', '--lr-backbone', '1'], /--lr-backbone: .*has both modes/],
  ['a momentum of AdamW', [...good, '--optimizer', 'adamw', '--momentum', '0.9'], /--momentum: is that of SGD/],
  ['no batches', [...good, '--accumulate', '0'], /--accumulate: expected a whole number of at least 1, found 0/],
  [
    'weights that are a folder',
    ['--data', data, '--weights', data],
    /--weights: .*: expected a run's folder with best.safetensors, found a folder/,
  ],
  ['an empty run folder', [...good, '--out', ''], /--out: expected a folder/],
])('%s is an error with exit status 2', async (_, args, message) => {
  const { code, stdout, stderr } = await call(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^train: .*\nTry "npm run train -- --help"\.\n$/);
});

test('a folder that holds a run is an error before anything is read, in mode both also in a subfolder', async () => {
  const used = join(root, 'used');
  mkdirSync(join(used, 'extract'), { recursive: true });
  writeFileSync(join(used, 'extract', 'best.safetensors'), 'kept');
  const both = await call([...good, '--mode', 'both', '--out', used]);
  expect(both.code).toBe(2);
  expect(both.stderr).toMatch(/used.extract: already holds a run \(best\.safetensors\), which was left as it is/);
  writeFileSync(join(used, 'config.json'), 'kept');
  expect(await call([...good, '--out', used])).toMatchObject({ code: 2 });
  expect((await call([...good, '--out', weights])).stderr).toMatch(/expected a folder for the run, found a file/);
});

test('--weights may name a part of a file, which must exist', () => {
  const part = `${weights}#state_dict_ema`;
  expect(parseTrainFlags(['--data', data, '--weights', part], {})).toMatchObject({ weights: part });
  expect(() => parseTrainFlags(['--data', data, '--weights', 'no.pth#ema'], {})).toThrow(/no\.pth: no such file/);
});

test('a variable replaces a flag, and an error names the variable', async () => {
  const env = { DAWNGRAD_DATA: data, DAWNGRAD_WEIGHTS: weights };
  expect(parseTrainFlags([], env)).toMatchObject({ data, weights });
  expect(parseTrainFlags(['--weights', 'none'], env)).toMatchObject({ data, weights: 'none' });
  const { code, stderr } = await call([], { ...env, DAWNGRAD_DATA: '/nowhere' });
  expect(code).toBe(2);
  expect(stderr).toMatch(/DAWNGRAD_DATA: \/nowhere: no such folder/);
});

test('sources that are not named stay undefined, and the demo ignores variables', () => {
  expect(parseTrainFlags([], {})).toMatchObject({ data: undefined, weights: undefined, demo: false });
  expect(parseTrainFlags([], { DAWNGRAD_DATA: '', DAWNGRAD_WEIGHTS: '' })).toMatchObject({ data: undefined });
  const env = { DAWNGRAD_DATA: '/nowhere', DAWNGRAD_WEIGHTS: weights };
  expect(parseTrainFlags(['--demo'], env)).toMatchObject({ data: undefined, weights: undefined, demo: true });
});

test('the defaults are the tutorial’s', () => {
  expect(parseTrainFlags(good, {})).toEqual({
    modes: ['finetune'],
    data,
    weights,
    dataSettings: {},
    demo: false,
    numbers: {},
    words: {},
    regularization: {},
    probe: {},
    adapter: undefined,
    skipBroken: false,
    onDivergence: undefined,
    tunes: true,
    out: undefined,
    json: false,
    tensorboard: false,
  });
  const defaults = Object.fromEntries(Object.entries(NUMBER_OPTIONS).map(([name, rule]) => [name, rule.default]));
  expect(defaults).toMatchObject({
    epochs: 25,
    batchSize: 4,
    lr: 0.001,
    momentum: 0.9,
    weightDecay: 0,
    stepSize: 7,
    gamma: 0.1,
    seed: 0,
    workers: 4,
    imageSize: 224,
  });
});

test('accepts every flag', () => {
  const args =
    '--mode both --epochs 3 --batch-size 8 --lr 1e-2 --momentum .5 --weight-decay 1e-4 --step-size 2 --gamma 0.5';
  const more =
    '--seed 7 --workers 0 --threads 0 --image-size 64 --adapter software --out a/b --json --safe --no-tune ' +
    '--skip-broken --on-divergence continue --watchdog 60 --tensorboard --val-split 0.3 --ignore-orientation';
  expect(parseTrainFlags([...good, ...args.split(' '), ...more.split(' ')], {})).toEqual({
    modes: ['finetune', 'extract'],
    data,
    weights,
    dataSettings: { valSplit: 0.3, ignoreOrientation: true },
    demo: false,
    numbers: {
      epochs: 3,
      batchSize: 8,
      lr: 0.01,
      momentum: 0.5,
      weightDecay: 0.0001,
      stepSize: 2,
      gamma: 0.5,
      seed: 7,
      workers: 0,
      threads: 0,
      imageSize: 64,
      watchdog: 60,
    },
    words: {},
    regularization: {},
    probe: {},
    adapter: 'software',
    skipBroken: true,
    onDivergence: 'continue',
    tunes: false,
    out: 'a/b',
    json: true,
    tensorboard: true,
  });
});

test('accepts the flags of how the network learns', () => {
  const args =
    '--unfreeze layer4 --freeze-epochs 2 --lr-backbone 1e-4 --optimizer adamw --schedule cosine --warmup 1 --grad-clip 1 --accumulate 4';
  expect(parseTrainFlags([...good, ...args.split(' ')], {})).toMatchObject({
    numbers: { freezeEpochs: 2, lrBackbone: 1e-4, warmup: 1, gradClip: 1, accumulate: 4 },
    words: { unfreeze: 'layer4', optimizer: 'adamw', schedule: 'cosine' },
  });
});

test('--help explains every flag, also beside invalid ones', async () => {
  const { code, stdout, stderr } = await call(['--help', '--epochs', 'many']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const flags =
    'data weights mode epochs batch-size lr momentum weight-decay step-size gamma seed workers threads adapter out json safe demo skip-broken on-divergence watchdog ' +
    'unfreeze freeze-epochs lr-backbone optimizer schedule warmup grad-clip accumulate lr-find views no-feature-cache';
  for (const name of ['CACHE', 'DATA_URL', 'WEIGHTS_URL']) expect(stdout).toContain(`$DAWNGRAD_${name}`);
  for (const flag of flags.split(' ')) expect(stdout).toContain(`--${flag}`);
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
});

test.each<[string, string[], RegExp]>([
  ['views without a probe', ['--views', '2'], /--views: is only for --mode probe/],
  ['too many views', ['--mode', 'probe', '--views', '65'], /--views: expected a whole number from 1 to 64, found 65/],
  ['a schedule', ['--mode', 'probe', '--step-size', '3'], /--step-size: means nothing to --mode probe; leave it out/],
  ['mixed pictures', ['--mode', 'probe', '--mixup', '0.2'], /--mixup: means nothing to --mode probe/],
  [
    'a least number of epochs alone',
    ['--mode', 'probe', '--min-epochs', '3'],
    /--min-epochs: does nothing without --pat/,
  ],
  ['no weights', ['--mode', 'probe', '--weights', 'none'], /--weights none: draws its weights at random/],
])('a probe refuses %s', (_, args, message) => {
  expect(() => parseTrainFlags([...good, ...args], {})).toThrow(message);
});

test('a probe has no demo', () => {
  expect(() => parseTrainFlags(['--mode', 'probe', '--demo'], {})).toThrow(
    /--demo: draws its weights at random, and a linear probe needs those of a trained network/,
  );
});

test('reads the options of a probe', () => {
  const { modes, probe } = parseTrainFlags(
    [...good, '--mode', 'probe', '--views', '3', '--no-feature-cache'],
    {},
  ) as TrainCommand;
  expect({ modes, probe }).toEqual({ modes: ['probe'], probe: { views: 3, featureCache: false } });
});

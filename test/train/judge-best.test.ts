/** test, which no epoch sees, is judged at the end, without its broken pictures; a failure ends no run. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { DecoderPool, Generator, ImageFolder } from '../../src/data/index.ts';
import { Watchdog } from '../../src/gpu/watchdog.ts';
import { IMAGENET_INPUT, withCrop } from '../../src/input-spec.ts';
import { readJudgement } from '../../src/judge/index.ts';
import { chooserOf } from '../../src/kernels/chooser.ts';
import { buildModel, fromScratch } from '../../src/models/start.ts';
import { RunFolder } from '../../src/train/index.ts';
import { judgeTest } from '../../src/train/judge-best.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPictures, TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

const { gpuTest, gpu } = await withGpu();
const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));

gpuTest(
  'test is judged on what can be read, and the rest is named',
  async () => {
    const folder = new RunFolder(join(root, 'run'));
    writeFileSync(join(data, 'val', 'discs', 'x.png'), 'no picture');
    const test = Object.assign(new ImageFolder(join(data, 'val')), { notRead: [] });
    const model = buildModel(gpu, fromScratch(), { classes: 2, mode: 'extract', random: new Generator(0) }).eval();
    const pool = new DecoderPool(0);
    const told: string[] = [];
    const question = {
      ...{ gpu, chooser: chooserOf(gpu), model, best: { epoch: 4 }, data, folder, pool, test },
      ...{ settings: { batchSize: 3 }, input: withCrop(IMAGENET_INPUT, 32), watchdog: new Watchdog(600) },
      reporter: {
        notJudged: (pictures: readonly string[]) => told.push(...pictures),
        judged: ({ split, count }: { split: string; count: number }) => told.push(`${split} ${count}`),
        judgementFailed: ({ message }: Error) => told.push(message),
      },
    };
    await judgeTest(question);
    expect(told).toEqual(['val/discs/x.png', 'test 8']);
    const judgement = readJudgement(join(folder.path, 'judgement-test.json'));
    expect(judgement).toMatchObject({ data, split: 'test', weights: 'best.safetensors', epoch: 4, count: 8 });
    expect(judgement.answers.map(({ truth }) => truth)).toEqual([
      ...new Array(4).fill('discs'),
      ...new Array(4).fill('stripes'),
    ]);
    expect(existsSync(join(folder.path, 'judgement.json'))).toBe(false);

    // A folder of that name is in the way.
    told.length = 0;
    const blocked = new RunFolder(join(root, 'blocked'));
    mkdirSync(join(blocked.path, 'judgement-test.json'));
    await judgeTest({ ...question, folder: blocked });
    expect(told).toEqual(['val/discs/x.png', expect.stringContaining('judgement-test.json')]);
    for (const one of [folder, blocked]) one.close();
    model.dispose();
    await pool.close();
  },
  TRAINING_TIMEOUT,
);

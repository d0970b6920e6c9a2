/** Shared by the tests of this folder: the golden file, and tests that need the real pictures. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decode, type Picture } from '../../src/data/index.ts';
import { skipUnless } from '../support/skip.ts';

/** Made by make-golden.py. */
export interface Golden {
  decoded: Record<string, { width: number; height: number; sha256: string }>;
  resize: {
    picture: string;
    /** top, left, height, width */
    box: [number, number, number, number];
    /** height, width */
    size: [number, number];
    sha256: string;
    pixels?: string;
  }[];
  val: { picture: string; size: number; resize: number; pixels: string; values: string }[];
  centre: { picture: string; size: number; sha256: string }[];
  normalized: string;
  crops: [number, number, number, number, number, number][];
  normals: Record<string, number[]>;
  classes: string[];
  samples: [string, number][];
  epochs: Record<string, { batches: GoldenBatch[]; afterBreak: number }>;
}

export interface GoldenBatch {
  kind: 'train' | 'val';
  labels: number[];
  /** index, top, left, height, width, flip */
  drawn?: number[][];
  values: string;
}

export const GOLDEN_FOLDER = fileURLToPath(new URL('../golden/data/', import.meta.url));
export const golden: Golden = JSON.parse(readFileSync(`${GOLDEN_FOLDER}golden.json`, 'utf8'));

export function sha256(data: Uint8Array | Float32Array): string {
  return createHash('sha256').update(data).digest('hex');
}

export function goldenPicture(name: string): Promise<Picture> {
  return decode(`${GOLDEN_FOLDER}pictures/${name}`, { ignoreOrientation: true });
}

/** The folder of the tutorial's data set, with `train` and `val` below it. */
const DATA = process.env.DAWNGRAD_DATA;

const pictureTest = skipUnless(DATA, 'DAWNGRAD_DATA does not name the folder of the tutorial, with train and val');

/** A test of the tutorial's own pictures. Without DAWNGRAD_DATA it is skipped, or fails under DAWNGRAD_NO_SKIP=1. */
export function dataTest(name: string, body: (root: string) => Promise<void> | void): void {
  pictureTest(name, () => body(DATA!), 60_000);
}

/** The networks of files of every kind: checkpoints, runs' weights and ONNX. */
import { readFileSync, statSync } from 'node:fs';
import { FileError, UsageError } from '../errors.ts';
import { findNet } from '../models/find-net.ts';
import { netOf } from '../models/registry.ts';
import { architectureOf, expectArchitecture, fromScratch, type OpenNet, type Start, startOf } from '../models/start.ts';
import { type Architecture, GRAPH_KEY, ONNX } from '../models/types.ts';
import { parseSource, readCheckpoint } from '../weights/index.ts';
import { LARGEST_FILE } from './limits.ts';
import { readGraph, readOnnxNet } from './net.ts';

/** What may be said of a file beside its path. */
export interface OpenOptions {
  /** The network that it must be; without a file that to build. */
  readonly architecture?: Architecture | undefined;
  /** Of an ONNX file: the node or the last layer at which the network ends. */
  readonly head?: string | undefined;
}

/**
 * Reads what a run starts from, or uses none.
 * @throws FileError if it cannot be read or is no known network; UsageError for a head of another file; MissingPackageError
 */
export async function openStart(
  weights: string | undefined,
  classes: readonly string[],
  { architecture, head }: OpenOptions = {},
): Promise<Start> {
  if (weights !== undefined) {
    return expectArchitecture(weights, startOf(weights, await openNet(weights, head), classes), architecture);
  }
  refuseHead(head);
  return fromScratch(architecture);
}

/**
 * Reads the network of a file: `path#name` names one of several.
 * @param head of an ONNX file: the node or the last layer at which the network ends; by default the last one
 * @throws as `openStart`
 */
export async function openNet(source: string, head?: string): Promise<OpenNet> {
  const { path } = parseSource(source);
  if (isOnnx(path)) return readOnnxNet(readBytes(path), path, head);
  refuseHead(head);
  const checkpoint = readCheckpoint(source);
  const graph = checkpoint.metadata[GRAPH_KEY];
  if (checkpoint.metadata.architecture === ONNX && graph !== undefined) {
    return { net: await readGraph(graph, path), checkpoint };
  }
  const found = findNet(path, checkpoint);
  return { net: netOf(architectureOf(source, found)), checkpoint: found };
}

function refuseHead(head: string | undefined): void {
  if (head === undefined) return;
  throw new UsageError(
    `head: names the last layer of an ONNX file, but the weights are none; leave it out, found ${head}`,
  );
}

/** The names of such files are reliable: everything that writes them calls them so. */
const isOnnx = (path: string) => /\.onnx$/i.test(path);

function readBytes(path: string): Uint8Array {
  try {
    const stat = statSync(path);
    // A pipe without a writer would block for ever.
    if (!stat.isFile()) throw new FileError(`${path}: not a regular file; give the path of an ONNX file`);
    if (stat.size > LARGEST_FILE)
      throw new FileError(`${path}: larger than ${LARGEST_FILE} bytes, which no ONNX file is`);
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new FileError(
      `${path}: ${code === 'ENOENT' ? 'no such file; check the path' : `cannot be read (${message})`}`,
      {
        cause: error,
      },
    );
  }
}

/**
 * Finds a run's pictures and weights: those that the user named, else the cached, else the downloaded, else the
 * built-in demo. The demo is used only if the user named nothing. A named source is used or gives an error.
 */
import { join } from 'node:path';
import {
  ADDRESS_VARIABLES,
  cacheFolder,
  cachePath,
  DownloadError,
  type FetchOptions,
  OFFICIAL_ADDRESSES,
  tutorialData,
  tutorialWeights,
  UnreachableError,
} from '../fetch/index.ts';
import { type Architecture, TUTORIAL_ARCHITECTURE } from '../models/types.ts';
import type { TrainOptions } from '../train/index.ts';
import { called } from './called.ts';
import type { FetchReport } from './fetch-report.ts';
import { NO_WEIGHTS, type TrainCommand } from './train-flags.ts';

export interface Sources {
  /** Folder with train/ and val/. */
  readonly data: string;
  /** Undefined if all weights are drawn at random. */
  readonly weights: string | undefined;
  readonly demo: boolean;
  /** Settings that flags may override. */
  readonly settings: Partial<TrainOptions>;
}

/** The caller's environment, signal and progress report. */
export interface SourcesContext {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly report: FetchReport;
}

/** The notice that a run is not the tutorial. */
export function demoLine(arch: Architecture = TUTORIAL_ARCHITECTURE): string {
  return `Built-in demo: a ${arch} learns from scratch to tell two kinds of drawn insects apart. Not the tutorial.`;
}

/**
 * Finds both sources. If flags or variables name both, it fetches nothing.
 * @throws UnreachableError if a server gives no good answer and the user named a source or an address
 * @throws DownloadError if a download is broken; FileError if the cache cannot be used; UsageError if a variable holds
 *   no usable address or proxy; MissingPackageError if a package is missing; the signal's reason if that is aborted
 */
export async function findSources(command: TrainCommand, context: SourcesContext): Promise<Sources> {
  const { data, weights } = command;
  const { report } = context;
  if (command.demo) return demoSources(command, context);
  if (data !== undefined && weights !== undefined) return tutorialSources(data, weights);
  let downloaded = false;
  const options: FetchOptions = {
    env: context.env,
    signal: context.signal,
    onProgress: (progress) => {
      downloaded = true;
      report.progress(progress);
    },
    onNote: (text) => report.note(text),
  };
  try {
    const sources = tutorialSources(data ?? (await tutorialData(options)), weights ?? (await tutorialWeights(options)));
    if (downloaded) report.note(`Kept for the next time in ${cacheFolder(context.env)}`);
    return sources;
  } catch (error) {
    // The demo has no trained weights to probe.
    const needsWeights = command.modes.includes('probe');
    if (!(error instanceof UnreachableError) || needsWeights || isAnythingNamed(command, context.env)) throw error;
    for (const line of fallbackLines(error, context.env)) report.note(line);
    return demoSources(command, context);
  } finally {
    report.stopBar();
  }
}

function tutorialSources(data: string, weights: string): Sources {
  return { data, weights: weights === NO_WEIGHTS ? undefined : weights, demo: false, settings: {} };
}

async function demoSources({ numbers }: TrainCommand, { env, report }: SourcesContext): Promise<Sources> {
  const { DEMO_SETTINGS, writeDemoPictures } = await import('../demo/index.ts');
  const settings: Partial<TrainOptions> = DEMO_SETTINGS;
  const seed = numbers.seed ?? settings.seed ?? 0;
  const data = join(cacheFolder(env), `demo-${seed}`);
  report.note(`Demo pictures: ${data}`);
  await writeDemoPictures(data, { seed });
  return { data, weights: undefined, demo: true, settings };
}

function isAnythingNamed({ data, weights }: TrainCommand, env: NodeJS.ProcessEnv): boolean {
  return data !== undefined || weights !== undefined || Object.values(ADDRESS_VARIABLES).some((name) => env[name]);
}

function fallbackLines({ kind, address, reason }: UnreachableError, env: NodeJS.ProcessEnv): string[] {
  const what = kind === 'data' ? "The tutorial's pictures" : "torchvision's weights";
  return [
    `${what} cannot be downloaded: ${address}: ${reason}.`,
    'Nothing was named with --data or --weights, so this trains the built-in demo instead, on pictures that the program draws.',
    'To train the tutorial, run this again with a network, or download these two elsewhere and put them here:',
    `  ${OFFICIAL_ADDRESSES.data} as the folder ${cachePath('data', { env })}`,
    `  ${OFFICIAL_ADDRESSES.weights} as ${cachePath('weights', { env })}`,
    `Or name your own: ${called('train')} --data <folder> --weights <file|none>`,
  ];
}

/** Other ways to continue after a failed download. */
export function sourcesAdvice(error: Error): string | undefined {
  if (!(error instanceof UnreachableError || error instanceof DownloadError)) return undefined;
  return error.kind === 'data'
    ? 'Or name a folder of pictures with --data <folder>; --demo draws its own.'
    : 'Or name a checkpoint with --weights <file>, or start from random weights with --weights none.';
}

/** The settings of a server: defaults, ranges, checks. */
import { UsageError } from '../errors.ts';

interface Rule {
  readonly default: number;
  readonly least: number;
  readonly most: number;
}

/** The numeric settings. The command line takes its defaults and checks from here too. */
export const SERVE_NUMBERS = {
  /** 0: any free port. */
  port: { default: 8080, least: 0, most: 65_535 },
  /** Bytes of a request's body. */
  maxBytes: { default: 16 * 2 ** 20, least: 1024, most: 2 ** 30 },
  /** Pictures of one request. */
  maxFiles: { default: 16, least: 1, most: 1024 },
  /** Pictures of a client in a minute; 0: no limit. */
  rate: { default: 600, least: 0, most: 1_000_000_000 },
  /** Requests that are received, wait or are computed at once. Together they hold `queue` · `maxBytes` in memory at most, twice if in forms. */
  queue: { default: 64, least: 1, most: 100_000 },
  /** Seconds in which a request must have arrived, and in which it is answered after that. */
  timeout: { default: 30, least: 1, most: 3600 },
  /** Likeliest classes of an answer; 0: as `predict`, 5, or 1 if there are only two. */
  top: { default: 0, least: 0, most: Number.MAX_SAFE_INTEGER },
} satisfies Record<string, Rule>;

export type ServeNumber = keyof typeof SERVE_NUMBERS;

/** The most pixels of a picture that a server takes: phones make 50 million. */
export const SERVE_MAX_PIXELS = 64_000_000;

/** Only programs of this machine can connect. */
export const DEFAULT_HOST = '127.0.0.1';

/** Settings of a server. */
export interface ServeOptions extends Partial<Readonly<Record<ServeNumber, number | undefined>>> {
  /** The address to listen at; default 127.0.0.1, which only this machine reaches. */
  readonly host?: string | undefined;
  /** Told what happens that no client is told: an error inside, for the server's log. */
  readonly onProblem?: ((text: string) => void) | undefined;
}

export type ServeSettings = Readonly<Record<ServeNumber, number>> & {
  readonly host: string;
  readonly onProblem: (text: string) => void;
};

/** @param shownAs its name in the error: `--rate` on the command line. @throws UsageError */
export function checkServeNumber(name: ServeNumber, value: number, shownAs: string = name): number {
  const { least, most } = SERVE_NUMBERS[name];
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new UsageError(`${shownAs}: expected a whole number ${range}, found ${value}`);
}

/** All settings, with defaults for those not given. @throws UsageError */
export function serveSettings({ host = DEFAULT_HOST, onProblem = () => {}, ...given }: ServeOptions): ServeSettings {
  const names = Object.keys(SERVE_NUMBERS) as ServeNumber[];
  const numbers = names.map((name) => [name, checkServeNumber(name, given[name] ?? SERVE_NUMBERS[name].default)]);
  return { ...(Object.fromEntries(numbers) as Record<ServeNumber, number>), host, onProblem };
}

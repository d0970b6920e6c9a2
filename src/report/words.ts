/** Numbers in words. */

/** `94.8 %` */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** `1 picture`, `2 pictures`, `1,234 pictures` */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`;
}

export function whole(count: number): string {
  return count.toLocaleString('en-US');
}

/** `1 h 2 min`, `17 min 3 s`, `4.2 s` */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `1,373 ms`, `12.3 ms`, `0.045 ms` */
export function milliseconds(ms: number): string {
  return `${ms >= 100 ? whole(Math.round(ms)) : Number(ms.toPrecision(3))} ms`;
}

/** The last part of a path of either system: a file that people share tells no paths of the machine. */
export function lastPart(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;
}

const MACHINE_PATH = /^(?:[\\/]|[A-Za-z]:[\\/]|~[\\/])/;

/** The text, or the last part of a path of the machine. */
export function withoutPath(text: string): string {
  return MACHINE_PATH.test(text) ? lastPart(text) : text;
}

/** The path of a picture as the page shows it: relative to the data; of one elsewhere the folder and the name. */
export function picturePath(path: string): string {
  return MACHINE_PATH.test(path) ? path.split(/[\\/]/).filter(Boolean).slice(-2).join('/') : path;
}

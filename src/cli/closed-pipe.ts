/** A closed reader (`| head`) does not end a command: its results are also in files. */
export function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

/** A reader that has gone (`| head`) is no reason to end what a command does: what matters of it is in files too. */
export function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

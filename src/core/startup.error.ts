/** A reason why the server cannot start: one clear sentence for the person at the terminal, exit code 1. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}

/** What a server may answer to somebody who does anything at any time. */
import { AppError } from '../../src/core/errors.ts';

/** Not of who may not, or of what is not there, but of a server that could not, or of requests that it does not take. */
const faults = ['INTERNAL', 'UNAVAILABLE', 'BUSY', 'VALIDATION_FAILED'];

/** @throws what is no refusal */
export function requireRefusal(error: unknown): void {
  if (!(error instanceof AppError) || faults.includes(error.code)) throw error;
}

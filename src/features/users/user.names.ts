/** Usernames: proposed to whoever gives none, and refused when taken. */
import { randomInt } from 'node:crypto';
import { mongo } from 'mongoose';
import { AppError, duplicateKey, type ErrorCode } from '../../core/errors.ts';
import { fold } from '../../core/text.ts';

/** A username from the first name, never from the e-mail, which is nobody's business; with digits once the plain form proved taken. */
export function proposeUsername(firstName: string, attempt: number): string {
  const name = fold(firstName).replace(/[^a-z0-9_.-]/g, '').slice(0, 24);
  const stem = name.length >= 3 ? name : 'user';
  return attempt === 0 && stem !== 'user' ? stem : `${stem}${randomInt(10 ** Math.min(8, 3 + attempt))}`;
}

const takenErrors: Record<string, ErrorCode> = { email: 'EMAIL_TAKEN', username: 'USERNAME_TAKEN', googleId: 'GOOGLE_TAKEN' };

/** What a unique index of users refused, in our words; undefined for any other error. */
export function findTaken(error: unknown): AppError | undefined {
  if (!(error instanceof mongo.MongoServerError) || error.code !== duplicateKey) return undefined;
  const [field = ''] = Object.keys((error['keyPattern'] as Record<string, unknown> | undefined) ?? {});
  const code = takenErrors[field];
  return code && new AppError(code);
}

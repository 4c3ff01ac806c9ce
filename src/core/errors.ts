/** Every error Parley can answer: its code, its HTTP status and its sentence. Codes are stable API. */

const table = {
  // any operation
  VALIDATION_FAILED: [400, 'Some fields are not as expected; details.fields says which.'],
  MALFORMED_JSON: [400, 'The body is not valid JSON.'],
  BAD_REQUEST: [400, 'The request cannot be understood.'],
  UNAUTHENTICATED: [401, 'Sign in first: the access token is missing, wrong or expired.'],
  FRESH_SIGN_IN_REQUIRED: [403, 'This needs a sign-in of the last five minutes: prove again who you are, then repeat it.'],
  ORIGIN_NOT_ALLOWED: [403, 'Pages of this origin may not do this.'],
  NOT_FOUND: [404, 'There is nothing at this address.'],
  UNKNOWN_OPERATION: [404, 'There is no operation of this name.'],
  PAYLOAD_TOO_LARGE: [413, 'The request is too large.'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'This body is of a media type that is not taken here: most are application/json.'],
  RATE_LIMITED: [429, 'Too much in too short a time; details.retryAfter says how many seconds to wait.'],
  TOO_MANY_CONNECTIONS: [429, 'You have as many websockets open as one person may, details.maximum says how many: close one first.'],
  INTERNAL: [500, 'Something went wrong on our side. The request id helps us find it.'],
  BUSY: [503, 'The server has more work queued than it can take; try again in a moment.'],
  UNAVAILABLE: [503, 'The store does not answer. The outcome is unknown: repeat the request, a message with the same id.'],
  SHUTTING_DOWN: [503, 'The server is shutting down; connect again in a moment.'],

  // users
  USER_NOT_FOUND: [404, 'There is no such user.'],
  NOT_YOURSELF: [403, 'Only people themselves may change this.'],
  EMAIL_UNVERIFIED: [403, 'Verify your e-mail address first, by the link in the mail that you were sent.'],
  EMAIL_TAKEN: [409, 'An account with this e-mail address exists already.'],
  USERNAME_TAKEN: [409, 'This username is taken.'],
  NOT_WITH_YOURSELF: [409, 'This cannot be done to oneself.'],
  TOO_MANY_BLOCKED: [409, 'You block as many people as one can: unblock somebody first.'],

  // auth
  WRONG_CREDENTIALS: [401, 'The e-mail, the username or the password is wrong.'],
  SECOND_FACTOR_REQUIRED: [401, 'The second step is missing: send a code with details.challengeToken.'],
  CHALLENGE_EXPIRED: [401, 'This sign-in has taken too long, or was completed already; begin again.'],
  SESSION_ENDED: [401, 'This session has ended; sign in again.'],
  WRONG_PASSWORD: [403, 'The password is wrong.'],
  WRONG_CODE: [403, 'The code is wrong, or was used before.'],
  SESSION_NOT_FOUND: [404, 'You have no such session.'],
  LINK_EXPIRED: [410, 'This link has been used, was replaced by a newer one, or is too old.'],
  PASSWORD_TOO_EASY: [422, 'This password is among the most common, or made of your own name or address; choose another.'],

  // Google
  RETURN_PATH_NOT_ALLOWED: [400, 'The app has no such path to return to.'],
  GOOGLE_CANCELLED: [401, 'The sign-in with Google was broken off.'],
  GOOGLE_REFUSED: [401, 'This sign-in with Google is not valid, or was used before; begin again.'],
  GOOGLE_EMAIL_UNVERIFIED: [403, 'Google has not verified the e-mail address of this account.'],
  GOOGLE_OFF: [404, 'Signing in with Google is not set up on this server.'],
  GOOGLE_NOT_LINKED: [409, 'An account with this e-mail address exists: sign in to it (set a new password by mail if you have none), and link Google under settings.'],
  GOOGLE_TAKEN: [409, 'This Google account is linked to another account, or this account to another Google account.'],
  LAST_WAY_IN: [409, 'This is the only way into your account: set a password first.'],
  GOOGLE_UNAVAILABLE: [503, 'Google does not answer; try again in a moment.'],

  // the second factor
  SECOND_FACTOR_ON: [409, 'The second factor is on already.'],
  SECOND_FACTOR_OFF: [409, 'The second factor is not on.'],

  // chats
  CHAT_NOT_FOUND: [404, 'There is no such chat, or you are not in it, or it is a private one and this is for groups alone.'],
  NOT_ALLOWED: [403, 'Your role in this group does not allow that, or not towards this person: ask an admin or the owner.'],
  MEMBER_NOT_FOUND: [404, 'There is no such member of this group.'],
  BLOCKED: [403, 'You block this person: unblock them first.'],
  GROUP_TOO_LARGE: [409, 'In a group of this size nobody is told who has read what.'],
  GROUP_FULL: [409, 'The group cannot take so many more; details.room says how many.'],
  TOO_MUCH_HIDDEN: [409, 'You have removed too many single messages of this chat for yourself; clear the chat instead.'],

  // files
  FILE_NOT_FOUND: [404, 'There is no such file, or it is not yours, or in no message that you see.'],
  FILE_IN_USE: [409, 'A message has this file: remove the message.'],
  FILE_MISSING: [400, 'Send one file, in the field `file` of a multipart/form-data body.'],
  FILE_TOO_LARGE: [413, 'The file is too large; details.maximum says how many bytes it may have.'],
  FILE_EMPTY: [422, 'There is nothing in this file.'],
  IMAGE_EXPECTED: [415, 'A photo is made of an image: JPEG, PNG, WebP, GIF or AVIF.'],
  IMAGE_UNFIT: [422, 'This image cannot be taken; details.reason says why.'],
  QUOTA_EXCEEDED: [422, 'Your files take as much room as they may; details.left says how many bytes are left.'],
  ADDRESS_EXPIRED: [403, 'This address is no longer good, or never was: ask for a new one.'],
  UPLOAD_INCOMPLETE: [409, 'This file has not come whole; details.offset says how many bytes have, where that is known: send the rest.'],
  OFFSET_WRONG: [409, 'The file has come further, or not so far; details.offset says how far: go on from there.'],
  TUS_VERSION: [412, 'Pieces of a file are sent by version 1.0.0 of the tus protocol; say so in `Tus-Resumable`.'],
  DISK_FULL: [507, 'The server has no room for this file; nothing was kept of it.'],
  MEDIA_UNAVAILABLE: [503, 'Where files are kept does not answer; try again in a moment.'],

  // messages
  MESSAGE_NOT_FOUND: [404, 'There is no such message, or you are not in its chat.'],
  MESSAGE_REMOVED: [409, 'This message was removed.'],
  NOT_THE_SENDER: [403, 'Only its sender may change this message.'],
  NOT_CHANGEABLE: [409, 'A notice stays as it is.'],
  EDIT_TOO_LATE: [409, 'The time in which this message could be edited is over.'],
  TOO_MANY_REACTIONS: [409, 'You have reacted to this message three times, or it has more kinds of reactions than a message can have.'],
  CONFLICT: [409, 'This id or key stands for something else: a message with another text, chat or sender, or a group with another title, description or settings.'],
} as const satisfies Record<string, readonly [status: number, sentence: string]>;

export type ErrorCode = keyof typeof table;

/** What any operation may answer besides the errors it declares itself. */
export const commonErrors = ['VALIDATION_FAILED', 'RATE_LIMITED', 'INTERNAL', 'UNAVAILABLE', 'SHUTTING_DOWN'] as const satisfies readonly ErrorCode[];

export const errorCodes = Object.keys(table) as ErrorCode[];

/** The HTTP status of an error. */
export const statusOf = (code: ErrorCode): number => table[code][0];

/** The sentence of an error, for people. */
export const sentenceOf = (code: ErrorCode): string => table[code][1];

/** An error that is meant for the caller. Anything else that is thrown reaches nobody but the log. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: ErrorCode, details?: Record<string, unknown>, options?: ErrorOptions) {
    super(sentenceOf(code), options);
    this.code = code;
    this.details = details;
  }
}

export interface WireError {
  code: ErrorCode;
  message: string;
  details?: Record<string, unknown>;
}

/** The form every transport gives an error: `{code, message, details?}`. */
export function toWire(error: AppError): WireError {
  return { code: error.code, message: error.message, ...(error.details && { details: error.details }) };
}

/**
 * Whatever was thrown, as an AppError: a store that does not answer is UNAVAILABLE, anything unexpected is INTERNAL.
 * The original is kept as `cause`, for the log only.
 */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError(isStoreSilent(error) ? 'UNAVAILABLE' : 'INTERNAL', undefined, { cause: error });
}

/** Server error code for a value that a unique index has already. */
export const duplicateKey = 11000;

/** What comes of a write; undefined where a unique index has the value already. */
export async function unlessDuplicate<T>(write: PromiseLike<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === duplicateKey) return undefined;
    throw error;
  }
}

/** Server error codes of a MongoDB that is going down, has just lost its primary, or ran out of the time it was given. */
const silentCodes = new Set([50, 91, 189, 11600, 11602, 10107, 13435, 13436]);

/**
 * True of the errors that leave open whether MongoDB did what it was asked: everything the driver throws that is not an
 * answer of the server, and the errors of sockets, which it sometimes passes on as they are. A session expires where the
 * driver is closed while somebody waits for a connection: we begin none ourselves.
 */
export function isStoreSilent(error: unknown): boolean {
  if (error instanceof AppError) return error.code === 'UNAVAILABLE';
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === 'number') return silentCodes.has(code);
  return 'syscall' in error || /^Mongo(?:ose)?(?:\w*Network\w*|\w*Timeout\w*|ServerSelection|PoolCleared\w*|NotConnected|(?:Topology|Client|Server|Pool)Closed|ExpiredSession|BulkWrite)Error$/.test(error.name);
}

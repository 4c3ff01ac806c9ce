/** The shared words of every contract: ids, times, names, numbers. */
import { Type, type Static, type TObject, type TProperties, type TSchema } from 'typebox';
import { visibleLine } from './text.ts';

/** An object that refuses every key it does not name. */
export function strictObject<P extends TProperties>(properties: P, options: { title?: string; description?: string } = {}): TObject<P> {
  return Type.Object(properties, { ...options, additionalProperties: false });
}

/** A list as every operation answers it: the rows, and whether there are more of them in the direction asked for. */
export function pageOf<T extends TSchema>(row: T) {
  return strictObject({ items: Type.Array(row), more: Type.Boolean({ description: 'There is another page.' }) });
}

/** How many rows a page of a list has at most. */
export const Limit = (byDefault: number, maximum = 100) => Type.Integer({ minimum: 1, maximum, default: byDefault });

/** What a text has to look like, as a pattern, and in words for whoever sends another: it "must be …". */
export const formed = (pattern: string, form: string) => ({ pattern, 'x-form': form });

/** Where the page before ended, in a list whose order may change meanwhile: made by the server. */
export const Cursor = Type.String({ ...formed('^[0-9A-Za-z_-]{1,100}$', 'a cursor of an earlier answer'), description: 'Where the page before ended.' });

const oneLine = formed('^[^\\p{Cc}\\p{Cs}]*$', 'one line of whole characters, without control characters');

/** One line: composed (NFC), no control characters, no lone surrogates. */
export const Line = (maximum: number, description: string, form = oneLine) =>
  Type.String({ minLength: 1, maxLength: maximum, 'x-normalize': 'NFC', ...form, description });

/** A line with something to see in it. */
export const Name = (maximum: number, description: string) =>
  Line(maximum, description, formed(visibleLine, 'one line of whole characters with something to see in it, without control characters'));

/** Several lines: newline and tab are allowed, other control characters are not. */
export const Lines = (maximum: number, description: string) =>
  Type.String({ minLength: 1, maxLength: maximum, 'x-normalize': 'NFC', ...formed('^(?:[\\n\\t]|[^\\p{Cc}\\p{Cs}])*$', 'of whole characters, without control characters other than newline and tab'), description });

export const Id = Type.String({ ...formed('^[0-9a-f]{24}$', '24 hexadecimal digits in small letters'), description: 'An id made by the server: 24 hexadecimal digits.' });
export type Id = Static<typeof Id>;

/** A UUID in any version, in small letters (RFC 9562). A client makes it itself, so that a repeated send is recognised. */
export const MessageId = Type.String({
  ...formed('^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$', 'a UUID in small letters'),
  description: 'A UUID made by the sending client, in small letters.',
});
export type MessageId = Static<typeof MessageId>;

export const Timestamp = Type.String({ format: 'date-time', 'x-form': 'a time, like 2026-01-31T12:00:00.000Z', description: 'ISO 8601 in UTC with milliseconds.' });
export type Timestamp = Static<typeof Timestamp>;

export const Email = Type.String({ format: 'email', 'x-form': 'an e-mail address', maxLength: 254, description: 'Compared without regard to case.' });

/** bcrypt reads 72 bytes and no more; a longer password would be cut silently, so it is refused. */
export const Password = Type.String({
  'x-normalize': 'NFC',
  minLength: 8,
  'x-maxBytes': 72,
  ...oneLine,
  description: 'At least 8 characters, and at most 72 bytes of UTF-8.',
});

/** A password that somebody says is theirs: whether it is shows when it is looked at. */
export const GivenPassword = Type.String({ minLength: 1, maxLength: 1000 });

/** A number in the dense numbering of a chat. */
export const Sequence = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** What an operation answers that has nothing to say: 204 over HTTP, null over a socket. */
export const Nothing = Type.Null();

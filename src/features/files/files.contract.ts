/** Files: what people send along with their messages. Bytes come and go over HTTP alone; all else is here. */
import { Type, type Static } from 'typebox';
import { operation } from '../../core/contract.ts';
import { FileInfo } from '../../core/file.ts';
import type { Incoming, Outgoing, Piece } from '../../core/media.ts';
import { photoSides } from '../../core/photo.ts';
import { ordinary } from '../../core/rate.ts';
import { formed, Id, Nothing, strictObject, Timestamp } from '../../core/schemas.ts';

const url = Type.String({ format: 'uri' });

export const AddressedFile = strictObject(
  {
    ...FileInfo.properties,
    url: Type.String({ format: 'uri', description: 'Where it is, for five minutes, without a token.' }),
    thumbnailUrl: Type.Optional({ ...url, description: 'The same of the small one of an image.' }),
    expiresAt: Type.Optional({ ...Timestamp, description: 'Until when both are good.' }),
  },
  { title: 'AddressedFile' },
);
export type AddressedFile = Static<typeof AddressedFile>;

export const Quota = strictObject(
  {
    used: Type.Integer({ minimum: 0, description: 'Bytes that my files take, those included that are on their way.' }),
    maximum: Type.Integer({ minimum: 0, description: 'Bytes that they may take.' }),
    fileMaximum: Type.Integer({ minimum: 0, description: 'Bytes that one file may have.' }),
  },
  { title: 'Quota' },
);

export const DirectUpload = strictObject(
  {
    id: Id,
    protocol: Type.Enum(['tus', 'form'], { description: 'How the bytes are sent: `tus`, in pieces to this server (HEAD and PATCH of tus.io, version 1.0.0, with the access token); `form`, as multipart/form-data with these fields and then the field `file`, by POST.' }),
    url: Type.String({ format: 'uri', description: 'Where to.' }),
    fields: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'What a form has besides the file.' })),
    expiresAt: { ...Timestamp, description: 'Until when it can be sent.' },
  },
  { title: 'DirectUpload' },
);
export type DirectUpload = Static<typeof DirectUpload>;

/** Bytes, which no JSON holds. */
const bytes = { contentMediaType: 'application/octet-stream' } as const;

/** For whoever has no token the two that an address of `files.get` brings. */
const place = strictObject({
  id: Id,
  expires: Type.Optional(Type.Integer({ minimum: 0, maximum: 1e11 })),
  signature: Type.Optional(Type.String({ maxLength: 100 })),
});

/** What a page of pictures takes, and a player that leaps about. */
const reading = { per: 'caller', count: 100, seconds: 1, burst: 1000 } as const;

/** Bytes of a file, whatever else its limits are. */
const sizeAtMost = 1e12;

/** Whole files. */
const sending = { per: 'caller', count: 60, seconds: 60, burst: 120 } as const;

/** Some programs send them small. */
const pieces = { per: 'caller', count: 20, seconds: 1, burst: 1000 } as const;

export const filesContract = {
  operations: {
    'files.upload': operation({
      summary: 'Send a file. It is mine until a message has it; if none does, it goes a day later.',
      access: 'user',
      wire: 'http',
      rate: sending,
      input: strictObject({ file: Type.Unsafe<Incoming>(bytes) }),
      output: FileInfo,
      errors: ['FILE_MISSING', 'FILE_TOO_LARGE', 'FILE_EMPTY', 'IMAGE_UNFIT', 'QUOTA_EXCEEDED', 'DISK_FULL', 'MEDIA_UNAVAILABLE', 'BUSY'],
    }),
    'files.create': operation({
      summary: 'Begin to send a file by myself: past this server, or in pieces, so that it goes on where it was broken off. It takes room from now on, and goes a day later unless it is completed and a message has it.',
      access: 'user',
      rate: sending,
      input: strictObject({ name: Type.String({ maxLength: 1000 }), size: Type.Integer({ minimum: 1, maximum: sizeAtMost, description: 'In bytes.' }) }),
      output: DirectUpload,
      errors: ['FILE_TOO_LARGE', 'QUOTA_EXCEEDED', 'DISK_FULL', 'MEDIA_UNAVAILABLE'],
    }),
    'files.progress': operation({
      summary: 'How much of a file that I send in pieces has come: HEAD of tus. The answer is in the headers `Upload-Offset` and `Upload-Length`.',
      access: 'user',
      wire: 'http',
      rate: pieces,
      input: strictObject({ id: Id }),
      output: strictObject({ offset: Type.Integer({ minimum: 0 }), size: Type.Integer({ minimum: 1 }) }),
      errors: ['FILE_NOT_FOUND', 'TUS_VERSION', 'MEDIA_UNAVAILABLE'],
    }),
    'files.append': operation({
      summary: 'Send a piece of a file: PATCH of tus. The answer is in the header `Upload-Offset`. What has come stays, also if the connection breaks.',
      access: 'user',
      wire: 'http',
      rate: pieces,
      input: strictObject({ id: Id, offset: Type.Integer({ minimum: 0, maximum: sizeAtMost }), length: Type.Optional(Type.Integer({ minimum: 0, maximum: sizeAtMost })), content: Type.Unsafe<Piece['content']>(bytes) }),
      output: strictObject({ offset: Type.Integer({ minimum: 0 }) }),
      errors: ['FILE_NOT_FOUND', 'OFFSET_WRONG', 'TUS_VERSION', 'FILE_TOO_LARGE', 'DISK_FULL', 'MEDIA_UNAVAILABLE'],
    }),
    'files.complete': operation({
      summary: 'Say that a file has come: it is looked at, and can be given to messages from then on. It can be said again.',
      access: 'user',
      wire: 'http',
      rate: sending,
      input: strictObject({ id: Id }),
      output: FileInfo,
      errors: ['FILE_NOT_FOUND', 'UPLOAD_INCOMPLETE', 'FILE_TOO_LARGE', 'FILE_EMPTY', 'IMAGE_UNFIT', 'DISK_FULL', 'MEDIA_UNAVAILABLE'],
    }),
    'files.content': operation({
      summary: 'The bytes of a file of mine, or in a message that I see; whole, or the range asked for.',
      access: 'anyone',
      wire: 'http',
      rate: reading,
      input: place,
      output: Type.Unsafe<Outgoing>(bytes),
      errors: ['UNAUTHENTICATED', 'FILE_NOT_FOUND', 'ADDRESS_EXPIRED', 'MEDIA_UNAVAILABLE'],
    }),
    'files.thumbnail': operation({
      summary: 'The same of an image made small: WebP, its longer side of 400 pixels at most.',
      access: 'anyone',
      wire: 'http',
      rate: reading,
      input: place,
      output: Type.Unsafe<Outgoing>(bytes),
      errors: ['UNAUTHENTICATED', 'FILE_NOT_FOUND', 'ADDRESS_EXPIRED', 'MEDIA_UNAVAILABLE'],
    }),
    'files.photo': operation({
      summary: 'A photo of a person or a group, at the addresses that they have in answers: for everybody, and for ever.',
      access: 'anyone',
      wire: 'http',
      rate: reading,
      input: strictObject({ key: Type.String({ ...formed(`^[0-9a-f]{32}-(?:${photoSides.join('|')})$`, 'the key of a photo'), maxLength: 40 }) }),
      output: Type.Unsafe<Outgoing>(bytes),
      errors: ['FILE_NOT_FOUND', 'MEDIA_UNAVAILABLE'],
    }),
    'files.get': operation({
      summary: 'A file of mine, or in a message that I see, with addresses at which it can be had without a token.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ id: Id }),
      output: AddressedFile,
      errors: ['FILE_NOT_FOUND'],
    }),
    'files.remove': operation({
      summary: 'Remove a file of mine that no message has. By itself it goes a day after it came.',
      access: 'user',
      rate: ordinary,
      input: strictObject({ id: Id }),
      output: Nothing,
      errors: ['FILE_NOT_FOUND', 'FILE_IN_USE'],
    }),
    'files.quota': operation({
      summary: 'How much room my files take, and may take.',
      access: 'user',
      rate: ordinary,
      input: strictObject({}),
      output: Quota,
      errors: [],
    }),
  },
  events: {},
};

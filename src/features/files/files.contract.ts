/** Files: what people send along with their messages. Bytes come and go over HTTP alone; all else is here. */
import { Type, type Static } from 'typebox';
import { operation } from '../../core/contract.ts';
import { FileInfo } from '../../core/file.ts';
import type { Incoming, Outgoing } from '../../core/media.ts';
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

export const filesContract = {
  operations: {
    'files.upload': operation({
      summary: 'Send a file. It is mine until a message has it; if none does, it goes a day later.',
      access: 'user',
      wire: 'http',
      rate: { per: 'caller', count: 60, seconds: 60, burst: 120 },
      input: strictObject({ file: Type.Unsafe<Incoming>(bytes) }),
      output: FileInfo,
      errors: ['FILE_MISSING', 'FILE_TOO_LARGE', 'FILE_EMPTY', 'IMAGE_UNFIT', 'QUOTA_EXCEEDED', 'DISK_FULL', 'MEDIA_UNAVAILABLE', 'BUSY'],
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

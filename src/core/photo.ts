/** The photo of a person or a group: square, in three sizes, at addresses that nobody can guess and that never change. */
import { Type, type Static } from 'typebox';
import { strictObject } from './schemas.ts';

/** Pixels of a side. */
export const photoSides = [64, 256, 640] as const;
export type PhotoSide = (typeof photoSides)[number];

/** Bytes of a file that a photo is made of, at most. */
export const photoLimit = 10 * 1024 * 1024;

const address = (description: string) => Type.String({ format: 'uri', description });

export const Photo = strictObject(
  {
    url: address('640 pixels wide and high, WebP. Good for ever, and without a token: another photo has another address.'),
    medium: Type.Optional(address('The same, 256 pixels wide and high.')),
    small: Type.Optional(address('The same, 64 pixels wide and high.')),
    thumbhash: Type.Optional(Type.String({ description: 'Its ThumbHash in base64, to be shown until it has come.' })),
  },
  { title: 'Photo', description: 'A photo that Google has brought has one address, and the size that it has there.' },
);
export type Photo = Static<typeof Photo>;

/** A photo as it is stored: made here, or where Google has it. */
export type StoredPhoto = { key: string; thumbhash: string } | { url: string };

/** Where one of the sizes of a photo is, for everybody. */
export type PhotoAddress = (key: string, side: PhotoSide) => string;

export const toPhoto = (photo: StoredPhoto, addressOf: PhotoAddress): Photo =>
  'url' in photo ? photo : { url: addressOf(photo.key, 640), medium: addressOf(photo.key, 256), small: addressOf(photo.key, 64), thumbhash: photo.thumbhash };

/** True of a key under which one of the sizes is kept. Nothing else is for everybody. */
export const isPhotoKey = (key: string): boolean => /^[0-9a-f]{32}-\d+$/.test(key);

/** Under which key one of the sizes is kept. */
export const photoKey = (key: string, side: PhotoSide): string => `${key}-${side}`;

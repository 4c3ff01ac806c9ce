/** A file, as messages show it. */
import { Type, type Static } from 'typebox';
import { Id, strictObject } from './schemas.ts';

/** Files of one message at most. */
export const filesAtMost = 10;

export const FileInfo = strictObject(
  {
    id: Id,
    name: Type.String({ description: 'One line, without anything that would make a path of it or turn it round.' }),
    kind: Type.Enum(['image', 'video', 'audio', 'file'], { description: 'What an app may show: a file is to be downloaded, whatever its type.' }),
    mime: Type.String({ description: 'The media type, by its bytes.' }),
    size: Type.Integer({ minimum: 1, description: 'In bytes.' }),
    width: Type.Optional(Type.Integer({ minimum: 1, description: 'Of an image, in pixels, as it is to be seen; and the height.' })),
    height: Type.Optional(Type.Integer({ minimum: 1 })),
    duration: Type.Optional(Type.Number({ minimum: 0, description: 'Of sound and video, in seconds, where it is known.' })),
    thumbhash: Type.Optional(Type.String({ description: 'Of an image: its ThumbHash in base64, to be shown until it has come. There is a small one of it, too.' })),
  },
  { title: 'File' },
);
export type FileInfo = Static<typeof FileInfo>;

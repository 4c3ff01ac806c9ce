/** Where the bytes of files are kept: what every store offers, whichever it is. */
import type { Readable } from 'node:stream';

/** Bytes of a file, the first and the last both included. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface MediaStore {
  /**
   * Takes over a file of this machine: it is kept whole under the key, or not at all. Done twice it is done as well.
   * @throws DISK_FULL, MEDIA_UNAVAILABLE
   */
  keep(key: string, path: string): Promise<void>;
  /** What is kept under the key, or these bytes of it; undefined if nothing is. @throws MEDIA_UNAVAILABLE */
  read(key: string, range?: ByteRange): Promise<Readable | undefined>;
  /** Nothing is kept under the key any more, if anything was. @throws MEDIA_UNAVAILABLE */
  remove(key: string): Promise<void>;
  /** Where everybody finds what is kept under a key that nobody can guess. */
  addressOf(key: string): string;
  /** How a client sends what is to be kept under a key past this server, once; absent where all comes through it. */
  invite?: (key: string) => Invitation;
}

/** A form to be sent with the file in its field `file`. */
export interface Invitation {
  url: string;
  fields: Record<string, string>;
  expiresAt: Date;
}

/** Files that come piece by piece, as connections last. */
export interface Pieces {
  /** Nothing has come yet. @throws DISK_FULL, MEDIA_UNAVAILABLE */
  open(key: string): Promise<void>;
  /** How many bytes have come; undefined if it is not open. Whoever writes on it leaves off. @throws MEDIA_UNAVAILABLE */
  offset(key: string): Promise<number | undefined>;
  /**
   * Writes on from there, until the content ends or breaks off, or the file has its size. Whoever writes on it already leaves off.
   * @returns how many bytes have come, all in all
   * @throws FILE_NOT_FOUND, OFFSET_WRONG, FILE_TOO_LARGE, DISK_FULL, MEDIA_UNAVAILABLE
   */
  append(key: string, piece: Piece): Promise<number>;
  /** All that has come. */
  read(key: string): Readable;
  /** Nothing is left of it, if anything was. */
  drop(key: string): Promise<void>;
}

export interface Piece {
  /** Bytes before it. */
  offset: number;
  /** Bytes of the whole file. */
  size: number;
  content: Readable;
}

/** A file on its way in. */
export interface Incoming {
  /** As whoever sends it calls it. */
  name: string;
  content: Readable;
  /** How many bytes the request announces, those around the file included, if it does. */
  announced?: number;
  /** Bytes that it may have, if fewer than others. */
  maximum?: number;
}

/** A file on its way out. */
export interface Outgoing {
  name: string;
  kind: FileKind;
  mime: string;
  /** In bytes; absent where nobody has counted them. */
  size?: number;
  /** Everybody may have it, for ever. */
  isPublic?: true;
  /** Another for other bytes, and for nothing else. */
  tag: string;
  /** @throws FILE_NOT_FOUND, MEDIA_UNAVAILABLE */
  read: (range?: ByteRange) => Promise<Readable>;
}

/** A file that has come, and is kept nowhere yet. */
export interface Spooled {
  path: string;
  /** Room beside it for what is made of it. */
  beside: (name: string) => string;
  /** In bytes. */
  size: number;
  /** Nothing is left of it here, nor of what is beside it. Never rejects. */
  drop(): Promise<void>;
}

export interface Spool {
  /**
   * Takes in what comes, piece by piece, until its end. Of what breaks off nothing is left.
   * @returns undefined if there are more bytes than the limit
   * @throws DISK_FULL, MEDIA_UNAVAILABLE, and what the content fails with
   */
  take(content: Readable, limit: number): Promise<Spooled | undefined>;
}

/** What a file is, as far as people are concerned. */
export type FileKind = 'image' | 'video' | 'audio' | 'file';

/** What its bytes say of a file. */
export interface Inspected {
  kind: FileKind;
  /** The media type that its bytes are of, whatever anybody says. */
  mime: string;
  /** In pixels, as it is to be seen: of images, and of videos whose container says it. */
  width?: number;
  height?: number;
  /** In seconds, of sound and of video. */
  duration?: number;
  /** Of an image: its ThumbHash in base64, and there is a small one as well. */
  thumbhash?: string;
}

/** A square image that is to be made. */
export interface Square {
  side: number;
  path: string;
}

/** Looks into files, at a distance: they come from anybody. */
export interface Inspector {
  /**
   * What a file is; of an image a small one is made at the other path.
   * @throws IMAGE_UNFIT with the reason, BUSY
   */
  inspect(path: string, thumbnailPath: string): Promise<Inspected>;
  /**
   * Makes squares of an image, of so many pixels a side, out of its middle.
   * @returns the ThumbHash of it, in base64
   * @throws IMAGE_UNFIT with the reason, BUSY
   */
  square(path: string, squares: readonly Square[]): Promise<string>;
}

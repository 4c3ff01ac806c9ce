/** What a file is, by its first bytes: names and declared types are not believed. */
import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import { fileTypeFromFile } from 'file-type';
import type { FileKind } from '../../core/media.ts';

export interface Sniffed {
  kind: FileKind;
  mime: string;
}

/** Images that are looked at and shown. Others are files like any other. */
const images = new Set(['image/jpeg', 'image/png', 'image/apng', 'image/webp', 'image/gif', 'image/avif']);

/** Bytes from the beginning by which a text is known. */
const looked = 64 * 1024;

export async function sniff(path: string): Promise<Sniffed> {
  const found = await fileTypeFromFile(path);
  if (!found) return { kind: 'file', mime: (await isText(path)) ? 'text/plain' : 'application/octet-stream' };
  const mime = found.mime === 'image/apng' ? 'image/png' : found.mime.split(';')[0] ?? found.mime;
  if (images.has(found.mime)) return { kind: 'image', mime };
  // What browsers call Matroska, and other containers that hold a picture or only sound, shows when it is read.
  if (mime.startsWith('video/')) return { kind: 'video', mime };
  if (mime.startsWith('audio/')) return { kind: 'audio', mime };
  return { kind: 'file', mime };
}

/** UTF-8 without control characters. A character that the end of what is looked at cuts in two is none. */
async function isText(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(looked), 0, looked, 0);
    const bytes = buffer.subarray(0, bytesRead);
    const whole = bytesRead < looked ? bytes : bytes.subarray(0, lastBoundary(bytes));
    return bytesRead > 0 && isUtf8(whole) && !/[^\P{Cc}\t\n\r\f]/u.test(whole.toString());
  } finally {
    await file.close();
  }
}

/** Where the last character begins, if it takes more than a byte; else the end. */
function lastBoundary(bytes: Buffer): number {
  for (let back = 1; back <= 3; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte >= 0xc0) return bytes.length - back;
    if (byte < 0x80) break;
  }
  return bytes.length;
}

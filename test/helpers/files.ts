/** Files for tests: sent in as a client does it, and what they are made of. */
import assert from 'node:assert/strict';
import sharp from 'sharp';
import type { FileInfo } from '../../src/core/file.ts';
import type { Person } from './people.ts';

/** A body of multipart/form-data with one file. */
export async function toForm(content: Buffer | string, { name = 'a file.bin', field = 'file' } = {}): Promise<{ raw: Buffer; headers: { 'content-type': string } }> {
  const form = new FormData();
  form.append(field, new Blob([content]), name);
  const response = new Response(form);
  return { raw: Buffer.from(await response.arrayBuffer()), headers: { 'content-type': response.headers.get('content-type') ?? '' } };
}

/** Sends a file in over HTTP, and it is taken. */
export async function upload(url: string, { accessToken }: Pick<Person, 'accessToken'>, content: Buffer | string = 'a text', name?: string): Promise<FileInfo> {
  const { raw, headers } = await toForm(content, { ...(name !== undefined && { name }) });
  const response = await fetch(`${url}/file`, { method: 'POST', body: raw, headers: { ...headers, authorization: `Bearer ${accessToken}` } });
  const body = await response.text();
  assert.equal(response.status, 201, body);
  return JSON.parse(body) as FileInfo;
}

/** What a request has that brings a piece of a file, or asks how far it has come. */
export const tus = { 'tus-resumable': '1.0.0' };
export const toPiece = (raw: Buffer | string, offset: number | string = 0) => ({ raw, headers: { ...tus, 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset) } });

/** For what is never asked where photos are. */
export const nowhere = (key: string): string => key;

/** An image with something in it. */
export const picture = (width = 60, height = 40) => sharp({ create: { width, height, channels: 3, background: { r: 200, g: 40, b: 90 } } });

/** A Cloudinary on this machine: it checks every signature as the real one does, keeps what it is sent, and delivers it. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { Busboy } from '@fastify/busboy';
import type { Ending } from './ending.ts';

export interface Cloudinary {
  /** For CLOUDINARY_URL. */
  url: string;
  /** What is kept, by `<resource type>/<type>/<public id>`. */
  kept: Map<string, Buffer>;
  /** What was asked of it, and how it was answered: `<method> <path> <status>`. */
  asked: string[];
  /** From now on it answers everything with this status; with none, as it should. */
  fail: (status?: number) => void;
}

const account = { cloud: 'testing', key: '123456789012345', secret: 'only-good-for-tests' };

/** Seconds for which a signature is good (Cloudinary's documents: one hour). */
const signatureLifetime = 3600;

const sha1 = (text: string, encoding: 'hex' | 'base64' = 'hex'): string => createHash('sha1').update(text).digest(encoding);

export async function startCloudinary(t: Ending): Promise<Cloudinary> {
  const kept: Cloudinary['kept'] = new Map();
  const asked: string[] = [];
  let failing: number | undefined;
  const server = createServer((request, response) => {
    const done = (status: number, body: object | Buffer = {}, headers: Record<string, string> = {}): void => {
      asked.push(`${request.method} ${request.url} ${status}`);
      response.writeHead(status, { 'content-type': Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json', ...headers }).end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
    };
    if (failing !== undefined) return void request.resume().once('end', () => done(failing ?? 500, { error: { message: 'it fails' } }));
    if (request.method === 'POST') void act(request, kept).then(({ status, body }) => done(status, body));
    else deliver(request, response, kept, done);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const query = new URLSearchParams({ upload_prefix: `http://${address}`, secure: 'false', cname: address });
  const url = `cloudinary://${account.key}:${account.secret}@${account.cloud}?${query.toString()}`;
  // The library looks there itself for the protocol to speak.
  process.env['CLOUDINARY_URL'] = url;
  return { url, kept, asked, fail: (status) => void (failing = status) };
}

/** An upload, or a removal: signed over all fields but these, sorted, and the secret (Cloudinary's documents, "Generating authentication signatures"). */
const unsigned = new Set(['file', 'api_key', 'signature', 'cloud_name', 'resource_type']);

async function act(request: IncomingMessage, kept: Cloudinary['kept']): Promise<{ status: number; body: object }> {
  const [, version, cloud, resourceType, action] = (request.url ?? '').split('/');
  const refused = (message: string) => ({ status: 401, body: { error: { message } } });
  const { fields, content } = await readForm(request);
  const field = (name: string): string => fields.get(name) ?? '';
  const signed = [...fields].filter(([name]) => !unsigned.has(name)).map(([name, value]) => `${name}=${value}`).sort().join('&');
  if (version !== 'v1_1' || cloud !== account.cloud || field('api_key') !== account.key) return refused('unknown API key');
  if (field('signature') !== sha1(signed + account.secret)) return refused(`Invalid Signature ${field('signature')}. String to sign - '${signed}'.`);
  if (Math.abs(Date.now() / 1000 - Number(field('timestamp'))) > signatureLifetime) return refused('Stale request');
  const place = `${resourceType}/${field('type') || 'upload'}/${field('public_id')}`;
  if (action === 'destroy') return { status: 200, body: { result: kept.delete(place) ? 'ok' : 'not found' } };
  if (action !== 'upload') return { status: 404, body: { error: { message: 'no such action' } } };
  if (field('overwrite') === 'false' && kept.has(place)) return { status: 200, body: { public_id: field('public_id'), existing: true } };
  kept.set(place, content);
  return { status: 200, body: { public_id: field('public_id'), bytes: content.length } };
}

async function readForm(request: IncomingMessage): Promise<{ fields: Map<string, string>; content: Buffer }> {
  const form = new Busboy({ headers: { ...request.headers, 'content-type': request.headers['content-type'] ?? '' } });
  const fields = new Map<string, string>();
  const chunks: Buffer[] = [];
  form.on('field', (name, value) => fields.set(name, value));
  form.on('file', (_name, file) => void file.on('data', (chunk: Buffer) => chunks.push(chunk)));
  await pipeline(request, form);
  return { fields, content: Buffer.concat(chunks) };
}

function deliver({ url = '', headers: { range } }: IncomingMessage, response: ServerResponse, kept: Cloudinary['kept'], done: (status: number, body?: object | Buffer, headers?: Record<string, string>) => void): void {
  const found = /^\/([^/]+)\/(image|raw)\/(upload|authenticated)\/(?:s--([\w-]{8})--\/)?(?:v\d+\/)?(.+)$/.exec(url);
  const [, cloud, resourceType, type, signature, name = ''] = found ?? [];
  const expected = sha1(name + account.secret, 'base64').slice(0, 8).replaceAll('/', '_').replaceAll('+', '-');
  if (cloud !== account.cloud || (type === 'authenticated' && signature !== expected)) { done(401); return; }
  const content = kept.get(`${resourceType}/${type}/${resourceType === 'image' ? name.replace(/\.\w+$/, '') : name}`);
  if (!content) { done(404); return; }
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  if (start === undefined || end === undefined) { done(200, content); return; }
  done(206, content.subarray(Number(start), Number(end) + 1), { 'content-range': `bytes ${start}-${end}/${content.length}` });
  response.once('error', () => undefined);
}

/** HTTPS and wss without a proxy: what is served with a certificate, and how a new one takes the place of the old. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as connectTo } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { buildTestApp, freshDatabase } from '../helpers/app.ts';
import { makeCertificate, type Certificate } from '../helpers/certificate.ts';
import { freePort, startServer } from '../helpers/process.ts';
import { openSocket } from '../helpers/socket.ts';
import { until } from '../helpers/until.ts';
import { exchange } from './ask.ts';

interface SecureAnswer {
  status: number;
  cookies: string[];
  body: Record<string, unknown>;
}

/** A request by a client that trusts this certificate alone. */
async function askSecurely(url: string, path: string, ca: string, { json, headers = {} }: { json?: object; headers?: Record<string, string> } = {}): Promise<SecureAnswer> {
  const request = httpsRequest(`${url}${path}`, { ca, agent: false, method: json ? 'POST' : 'GET', headers: { ...(json && { 'content-type': 'application/json' }), ...headers } });
  request.end(json && JSON.stringify(json));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, cookies: response.headers['set-cookie'] ?? [], body: JSON.parse(await text(response)) as Record<string, unknown> };
}

/** A connection whose handshake is done. */
async function handshake(url: string): Promise<TLSSocket> {
  const socket = connectTls({ port: Number(new URL(url).port), host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  return socket;
}

/** The fingerprint of the certificate that a new connection is shown. */
async function shown(url: string): Promise<string> {
  const socket = await handshake(url);
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

const fingerprintOf = ({ pem }: Certificate): string => new X509Certificate(pem).fingerprint256;

// One of them waits for a handshake that never ends; the others do not wait for that one.
describe('with a certificate of its own', { concurrency: 4 }, () => {
  test('the app of another origin signs up, refreshes by cookie and opens a socket, all over TLS', async (t) => {
    const { env, pem } = await makeCertificate(t);
    const origin = 'https://app.example.org';
    const { url } = await buildTestApp(t, { env: { ...env, APP_URL: origin } });
    assert.match(url, /^https:/);
    const registered = await askSecurely(url, '/auth/register', pem, { json: { email: 'ann@example.org', password: 'correct horse', firstName: 'Ann' }, headers: { origin } });
    assert.equal(registered.status, 201);
    const [cookie = ''] = registered.cookies;
    for (const attribute of ['HttpOnly', 'Secure', 'SameSite=None', 'Path=/auth']) assert.ok(cookie.split('; ').includes(attribute), cookie);
    const refreshed = await askSecurely(url, '/auth/refresh', pem, { json: {}, headers: { origin, cookie: cookie.split(';')[0] ?? '' } });
    assert.equal(refreshed.status, 200);
    const socket = await openSocket(t, url, String(refreshed.body['accessToken']), { ca: pem, origin });
    assert.equal(((await socket.call('users.me')) as { firstName: string }).firstName, 'Ann');
  });

  test('the server says that it listens on HTTPS, and ends in order', async (t) => {
    const { env, pem } = await makeCertificate(t);
    const port = await freePort();
    const server = await startServer(dirname(env.TLS_CERT), port, { ...env, MONGODB_URI: freshDatabase(t) });
    t.after(() => server.kill('SIGKILL'));
    assert.ok(server.output().includes(`Parley listens on https://127.0.0.1:${port}\n`), server.output());
    assert.equal((await askSecurely(`https://127.0.0.1:${port}`, '/healthz', pem)).status, 200);
    assert.equal(await server.kill('SIGTERM'), 0);
  });

  test('a server that closes tells its sockets so, and waits for no handshake that never ends', async (t) => {
    const { env, pem } = await makeCertificate(t);
    const { app, url, person, close } = await buildTestApp(t, { env });
    const failures: unknown[] = [];
    app.server.on('tlsClientError', ({ code }: { code?: string }) => failures.push(code));
    const { accessToken } = await person('Ann');
    const socket = await openSocket(t, url, accessToken, { ca: pem });
    const silent = connectTo(Number(new URL(url).port), '127.0.0.1');
    t.after(() => silent.destroy());
    silent.on('error', () => undefined);
    await once(silent, 'connect');
    const idle = await handshake(url);
    idle.on('error', () => undefined);
    await close();
    assert.equal(failures.includes('ERR_TLS_HANDSHAKE_TIMEOUT'), false, 'it was not the end of their patience that ended it');
    assert.equal((await socket.closed).code, 1012);
  });

  test('what does not speak TLS is hung up on, and the server goes on', async (t) => {
    const { env, pem } = await makeCertificate(t);
    const { url } = await buildTestApp(t, { env });
    for (const bytes of ['GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n', 'hello, is anybody there?\r\n\r\n', Buffer.from([0, 255, 254, 13, 10])]) {
      assert.doesNotMatch(await exchange(url, bytes), /HTTP/);
    }
    // The beginning of a handshake that does not go on.
    await exchange(url, Buffer.from('16030100a5010000a10303', 'hex'));
    assert.equal((await askSecurely(url, '/healthz', pem)).status, 200);
  });

  test('new connections get the new certificate, and open ones live on', async (t) => {
    const [old, renewed] = [await makeCertificate(t), await makeCertificate(t)];
    const { url, person } = await buildTestApp(t, { env: old.env, tlsMilliseconds: 20 });
    const socket = await openSocket(t, url, (await person('Ann')).accessToken, { ca: old.pem });
    await copyFile(renewed.cert, old.cert);
    await copyFile(renewed.key, old.key);
    await until('the new certificate is shown', async () => (await shown(url)) === fingerprintOf(renewed));
    assert.ok(await socket.call('users.me'));
    assert.equal((await askSecurely(url, '/healthz', renewed.pem)).status, 200);
  });

  test('a renewal by links that are turned elsewhere is seen', async (t) => {
    const [old, renewed] = [await makeCertificate(t), await makeCertificate(t)];
    const live = join(dirname(old.cert), 'live');
    await mkdir(live);
    const turnTo = async ({ cert, key }: Certificate): Promise<void> => {
      for (const [name, target] of [['cert.pem', cert], ['key.pem', key]] as const) {
        await symlink(target, join(live, `${name}.new`));
        await rename(join(live, `${name}.new`), join(live, name));
      }
    };
    await turnTo(old);
    const { url } = await buildTestApp(t, { env: { TLS_CERT: join(live, 'cert.pem'), TLS_KEY: join(live, 'key.pem') }, tlsMilliseconds: 20 });
    assert.equal(await shown(url), fingerprintOf(old));
    await turnTo(renewed);
    await until('the new certificate is shown', async () => (await shown(url)) === fingerprintOf(renewed));
  });

  test('of a pair that is half written or does not fit the log tells, and the old one stays until both are right', async (t) => {
    const [old, renewed] = [await makeCertificate(t), await makeCertificate(t)];
    const complaints: string[] = [];
    // So often that one look would run into the next, did it not wait for it.
    const { app, url } = await buildTestApp(t, { env: old.env, tlsMilliseconds: 1 });
    app.log.error = (details: { err: Error }) => complaints.push(details.err.message);
    const complained = (words: RegExp): Promise<unknown> => until(`a complaint like ${String(words)}`, () => complaints.some((complaint) => words.test(complaint)));

    // In one step, or it would be seen empty in between, which is told as well.
    const replace = async (pem: string): Promise<void> => {
      await writeFile(`${old.cert}.new`, pem);
      await rename(`${old.cert}.new`, old.cert);
    };
    await replace(renewed.pem.slice(0, 200));
    await complained(/^TLS_CERT .* holds no certificate/);
    await replace(renewed.pem);
    await complained(/does not belong to the certificate/);
    await rename(old.key, `${old.key}.old`);
    await complained(/^TLS_KEY .* cannot be read/);
    assert.equal(await shown(url), fingerprintOf(old));
    assert.equal(new Set(complaints).size, complaints.length, 'each is told once');
    await copyFile(renewed.key, old.key);
    await until('the new certificate is shown', async () => (await shown(url)) === fingerprintOf(renewed));
  });

  test('a certificate that cannot be used is named before the server starts', async (t) => {
    const [one, other] = [await makeCertificate(t), await makeCertificate(t)];
    const nowhere = join(dirname(one.cert), 'nowhere.pem');
    const empty = join(dirname(one.cert), 'empty.pem');
    await writeFile(empty, '');
    for (const [env, message] of [
      [{ ...one.env, TLS_CERT: nowhere }, `TLS_CERT ${nowhere} cannot be read`],
      [{ ...one.env, TLS_KEY: nowhere }, `TLS_KEY ${nowhere} cannot be read`],
      [{ ...one.env, TLS_CERT: dirname(nowhere) }, `TLS_CERT ${dirname(nowhere)} cannot be read`],
      [{ ...one.env, TLS_CERT: empty }, `TLS_CERT ${empty} holds no certificate in PEM`],
      [{ ...one.env, TLS_KEY: empty }, `TLS_KEY ${empty} holds no private key in PEM`],
      [{ ...one.env, TLS_CERT: one.key }, `TLS_CERT ${one.key} holds no certificate in PEM`],
      [{ ...one.env, TLS_KEY: other.key }, `The key in TLS_KEY ${other.key} does not belong to the certificate in TLS_CERT ${one.cert}`],
    ] as const) {
      await assert.rejects(buildTestApp(t, { env }), (error: Error) => error.name === 'StartupError' && error.message.startsWith(message) && !error.message.includes('\n'));
    }
  });
});

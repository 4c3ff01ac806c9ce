/** What reaches the port and is not a proper request. */
import { test } from 'node:test';
import { buildTestApp } from '../helpers/app.ts';
import { exchange, parseAnswer, requireAlive, requireError } from './ask.ts';

const notHttp: Record<string, string | Buffer> = {
  'a sentence': 'hello, is anybody there?\r\n\r\n',
  'bytes at random': Buffer.from([0, 255, 254, 13, 10, 13, 10, 128, 7]),
  'the beginning of TLS': Buffer.from('16030100a5010000a10303', 'hex'),
  'an unknown method': 'BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
  'an unknown version': 'GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n',
  'a header without a name': 'GET /healthz HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n',
  'NUL in a header': 'GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n',
  'a length that is no number': 'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n',
  'two lengths': 'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx',
  'a length and chunks': 'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a chunk without a length': 'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n',
  'a huge header': `GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`,
  'a huge address': `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
};

for (const [what, bytes] of Object.entries(notHttp)) {
  test(`${what} is answered BAD_REQUEST, and the server goes on`, async (t) => {
    const { url } = await buildTestApp(t);
    requireError(parseAnswer(await exchange(url, bytes)), 'BAD_REQUEST');
    await requireAlive(url);
  });
}

test('a known method that nothing listens to is NOT_FOUND', async (t) => {
  const { url } = await buildTestApp(t);
  for (const method of ['PUT', 'PROPFIND', 'OPTIONS', 'TRACE', 'SEARCH']) {
    requireError(parseAnswer(await exchange(url, `${method} /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)), 'NOT_FOUND');
  }
});

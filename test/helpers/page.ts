/** A browser app's own web server: one page, on a port of localhost that is not the API's. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { Certificate } from './certificate.ts';

export interface ServedPage {
  html: string;
  /** With a certificate it is served over HTTPS. */
  tls?: Pick<Certificate, 'cert' | 'key'>;
}

/** Serves the page at every path until the test ends; gives its origin, http(s)://localhost:<port>. */
export async function servePage(t: TestContext, { html, tls }: ServedPage): Promise<string> {
  const answer: RequestListener = (_request, response) => void response.setHeader('content-type', 'text/html; charset=utf-8').end(html);
  const server = tls ? createTlsServer({ cert: await readFile(tls.cert), key: await readFile(tls.key) }, answer) : createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http${tls ? 's' : ''}://localhost:${(server.address() as AddressInfo).port}`;
}

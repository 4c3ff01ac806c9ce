/** TLS without a proxy: the certificate and its key, read at the start and again whenever their files change. */
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { createSecureContext, Server, type SecureContextOptions } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { repeat } from '../core/repeat.ts';
import { StartupError } from '../core/startup.error.ts';

interface TlsFiles {
  cert: string;
  key: string;
}

/** What the two files hold. */
interface TlsPair {
  cert: Buffer;
  key: Buffer;
}

export interface Tls extends TlsPair {
  files: TlsFiles;
  /** Milliseconds for a peer to agree on keys. */
  handshakeTimeout: number;
}

/** Milliseconds that a handshake may still take when the server closes. */
const closingPatience = 2000;

/** The certificate to start with. @throws StartupError if a file cannot be read or used */
export async function readTls(files: TlsFiles): Promise<Tls> {
  const pair = await readPair(files);
  requireUsable(pair, files);
  return { ...pair, files, handshakeTimeout: 10_000 };
}

/** Looks at the files every so many milliseconds, and lets nobody who never ends the handshake keep a server that closes. */
export function tendTls(app: FastifyInstance, tls: Tls, milliseconds: number): void {
  const { server } = app;
  if (!(server instanceof Server)) return;
  followFiles(app, server, tls, milliseconds);
  endHandshakes(app, server);
}

/**
 * Looks at contents, not at times and names: files are renamed, links and folders turned elsewhere, and all of it may
 * happen between two looks. One look ends before the next begins, or the older would bring the old pair back. New
 * connections get the new certificate; those that are open live on.
 */
function followFiles(app: FastifyInstance, server: Server, tls: Tls, milliseconds: number): void {
  let current: TlsPair = tls;
  let complaint = '';
  const look = async (): Promise<void> => {
    const found = await readPair(tls.files);
    if (!isSame(found, current)) {
      requireUsable(found, tls.files);
      server.setSecureContext(found);
      current = found;
      app.log.info('the new certificate is in use');
    }
    complaint = '';
  };
  const complain = (error: unknown): void => {
    const { message } = error as Error;
    if (message !== complaint) app.log.error({ err: error }, 'the certificate in use stays');
    complaint = message;
  };
  const looking = repeat(look, milliseconds, complain);
  app.addHook('onClose', async () => looking.stop());
}

/** Until its handshake is done, a connection is none of those that node:http closes. */
function endHandshakes(app: FastifyInstance, server: Server): void {
  const handshakes = new Map<string, Socket>();
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    handshakes.set(peer, socket);
    socket.once('close', () => handshakes.delete(peer));
  });
  server.on('secureConnection', (socket) => handshakes.delete(peerOf(socket)));
  app.addHook('preClose', async () => {
    setTimeout(() => {
      for (const socket of handshakes.values()) socket.destroy();
    }, closingPatience).unref();
  });
}

const peerOf = ({ remoteAddress = '', remotePort = 0 }: Socket): string => `${remoteAddress} ${remotePort}`;

async function readPair(files: TlsFiles): Promise<TlsPair> {
  return { cert: await read('TLS_CERT', files.cert), key: await read('TLS_KEY', files.key) };
}

async function read(key: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new StartupError(`${key} ${file} cannot be read (${(error as Error).message}): name another file, or give this user the right to read it.`, { cause: error });
  }
}

const isSame = (one: TlsPair, other: TlsPair): boolean => one.cert.equals(other.cert) && one.key.equals(other.key);

/** Each alone, then both: OpenSSL's words do not tell which of the two is at fault. */
function requireUsable({ cert, key }: TlsPair, files: TlsFiles): void {
  requireContext({ cert }, `TLS_CERT ${files.cert} holds no certificate in PEM that can be used`);
  requireContext({ key }, `TLS_KEY ${files.key} holds no private key in PEM that can be used without a password`);
  requireContext({ cert, key }, `The key in TLS_KEY ${files.key} does not belong to the certificate in TLS_CERT ${files.cert}`);
}

function requireContext(options: SecureContextOptions, fault: string): void {
  try {
    createSecureContext(options);
  } catch (error) {
    throw new StartupError(`${fault} (${(error as Error).message}).`, { cause: error });
  }
}

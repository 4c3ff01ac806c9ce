/** Certificates for tests, made by openssl: nobody vouches for them but themselves. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';

export interface Certificate {
  /** The files, and what the first of them holds. */
  cert: string;
  key: string;
  pem: string;
  /** What makes a server of buildTestApp use it. */
  env: { TLS_CERT: string; TLS_KEY: string };
}

/** A certificate for 127.0.0.1 and localhost, in a folder of its own that is gone when the test ends. */
export async function makeCertificate(t: TestContext): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-tls-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=parley test', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  await promisify(execFile)('openssl', ['req', '-x509', ...kind, ...names, '-keyout', key, '-out', cert]);
  return { cert, key, pem: await readFile(cert, 'utf8'), env: { TLS_CERT: cert, TLS_KEY: key } };
}

/** The folder for everything that must outlive the process: private to its owner, with the keys that sign tokens. */
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { access, chmod, constants, link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StartupError } from '../core/startup.error.ts';

/** As short as a key of JWT_SECRET may be. */
const shortestSecret = 32;

/** Makes the folder with mode 0700. @throws StartupError if it cannot be made or written to */
export async function prepareDataDir(dataDir: string): Promise<void> {
  try {
    await makeFolder(dataDir);
    if (!(await stat(dataDir)).isDirectory()) throw new Error('it is no folder');
    await chmod(dataDir, 0o700);
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartupError(`DATA_DIR ${dataDir} is not writable (${reason}): choose another folder, or give this user the right to write to it.`, { cause: error });
  }
}

/** Level by level: Node's own recursive way never ends where nothing can be made, as in /proc. */
async function makeFolder(path: string): Promise<void> {
  const make = (): Promise<void> => mkdir(path, { mode: 0o700 });
  try {
    await make();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await make();
  }
}

/**
 * The keys kept in the folder, one on each line, made the first time; nobody but their owner can read them.
 * @throws StartupError if the file was cut off
 */
export async function readOrMakeJwtSecrets(dataDir: string): Promise<string[]> {
  await prepareDataDir(dataDir);
  const path = join(dataDir, 'jwt-secret');
  if (!existsSync(path)) await makeJwtSecret(path);
  const secrets = (await readFile(path, 'utf8')).split('\n').map((line) => line.trim()).filter(Boolean);
  if (secrets.length === 0 || secrets.some((secret) => secret.length < shortestSecret)) {
    throw new StartupError(`A key in ${path} is too short to sign with: put back the whole file, or remove it to have a new one made.`);
  }
  return secrets;
}

/** Whole or not at all, whenever the process dies; of several processes that make one at once, the first gives it to all. */
async function makeJwtSecret(path: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeFile(draft, randomBytes(48).toString('base64url'), { mode: 0o600, flag: 'wx', flush: true });
    await link(draft, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** The folder for everything that must outlive the process: private to its owner, with the key that signs tokens. */
import { randomBytes } from 'node:crypto';
import { access, chmod, constants, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StartupError } from '../core/startup.error.ts';

/** Makes the folder with mode 0700. @throws StartupError if it cannot be made or written to */
export async function prepareDataDir(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await chmod(dataDir, 0o700);
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartupError(`DATA_DIR ${dataDir} is not writable (${reason}): choose another folder, or give this user the right to write to it.`, { cause: error });
  }
}

/** The key kept in the folder, made the first time; nobody but its owner can read it. */
export async function readOrMakeJwtSecret(dataDir: string): Promise<string> {
  await prepareDataDir(dataDir);
  const path = join(dataDir, 'jwt-secret');
  try {
    await writeFile(path, randomBytes(48).toString('base64url'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return (await readFile(path, 'utf8')).trim();
}
